/* ATmega328P and ATmega2560 at 16 MHz: clock, serial line, identity, sleep.
 *
 * Clock. A 16-bit timer runs freely at 0.5 us; its overflows are counted. It is timer 1 in the shock controller, whose
 *   compare match A is the gate, and timer 3 in the chambers, whose timer 1 makes the tone.
 * Sleep. Between two things to do the processor sleeps until an interrupt: a byte, a changed pin, or compare match B at
 *   the next deadline, at the latest after 2 ms (chambers: 0.5 ms).
 * Watchdog. A program that hangs for 250 ms is reset by the processor's own watchdog: all pins are inputs then, and the
 *   pull-downs keep everything off. */
#include "avr.h"

#include <avr/eeprom.h>
#include <avr/interrupt.h>
#include <avr/sleep.h>
#include <avr/wdt.h>
#include <util/atomic.h>

#include "hal.h"
#include "harp.h"

#ifdef __AVR_ATmega2560__
#define UART_RECEIVED USART0_RX_vect
#define UART_IS_FREE USART0_UDRE_vect
#else
#define UART_RECEIVED USART_RX_vect
#define UART_IS_FREE USART_UDRE_vect
#endif

#define BAUD 1000000UL
/* Inputs are looked at so often even if a pin's interrupt should fail. */
#ifdef REG_PULSE_STARTED
#define LONGEST_SLEEP_US 2000UL
#else
#define LONGEST_SLEEP_US 500UL
#endif
#define SHORTEST_SLEEP_US 20UL
enum { RING = 128 }; /* a power of two, at most 256 */

volatile bool avr_wake;
static volatile uint32_t n_overflows;
static volatile uint8_t received[RING], to_send[RING];
static volatile uint8_t n_received, n_read, n_put, n_sent; /* count on and on; the place is the number modulo RING */

/* ---- clock ---- */

ISR(CLOCK_OVERFLOW_vect) {
    n_overflows++;
    avr_wake = true;
}

ISR(CLOCK_COMPB_vect) { avr_wake = true; }

/* Half microseconds since it was switched on, the overflow that has not been counted yet included. */
uint32_t avr_half_us(uint16_t *count, uint32_t *overflows) {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        *count = CLOCK_COUNT;
        *overflows = n_overflows;
        if (CLOCK_FLAGS & _BV(CLOCK_OVERFLOWED)) {
            *count = CLOCK_COUNT;
            ++*overflows;
        }
    }
    return *overflows << 16 | *count;
}

uint32_t hal_us(void) {
    uint16_t count;
    uint32_t overflows;
    avr_half_us(&count, &overflows);
    return (overflows << 15) + (count >> 1); /* 32,768 us an overflow */
}

/* ---- serial line ---- */

ISR(UART_RECEIVED) {
    uint8_t byte = UDR0;
    if ((uint8_t)(n_received - n_read) < RING) received[n_received++ % RING] = byte; /* else lost; its frame will be, too */
    avr_wake = true;
}

ISR(UART_IS_FREE) {
    if (n_put == n_sent)
        UCSR0B &= (uint8_t)~_BV(UDRIE0);
    else
        UDR0 = to_send[n_sent++ % RING];
}

int hal_getc(void) {
    if (n_received == n_read) return -1;
    uint8_t byte = received[n_read % RING];
    n_read++;
    return byte;
}

bool hal_has_room(uint8_t n) { return (uint8_t)(n_put - n_sent) + n <= RING; }

void hal_putc(uint8_t byte) {
    while (!hal_has_room(1)) continue;
    to_send[n_put % RING] = byte;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        n_put++;
        UCSR0B |= _BV(UDRIE0);
    }
}

/* ---- identity ---- */

#ifdef UID_HEX
static uint8_t digit(char c) { return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10); }
#endif

static bool eeprom_is_blank(void) {
    for (uint8_t i = 0; i < 16; i++)
        if (eeprom_read_byte((const uint8_t *)(uintptr_t)i) != 0xFF) return false;
    return true;
}

/* The first 16 bytes of the EEPROM; where nobody wrote them, what the image was made with. */
uint8_t hal_uid(uint8_t place) {
    if (!eeprom_is_blank()) return eeprom_read_byte((const uint8_t *)(uintptr_t)place);
#ifdef UID_HEX
    _Static_assert(sizeof UID_HEX == 33, "UID has 32 hexadecimal digits");
    return (uint8_t)(digit(UID_HEX[2 * place]) << 4 | digit(UID_HEX[2 * place + 1]));
#else
    return 0;
#endif
}

/* ---- the program ---- */

static void start(void) {
    avr_pins_off();
    CLOCK_CONTROL_A = 0;
    CLOCK_CONTROL_B = _BV(CLOCK_BY_8);
    CLOCK_INTERRUPTS = _BV(CLOCK_OVERFLOW_INTERRUPT) | _BV(CLOCK_COMPB_INTERRUPT);
    UCSR0A = _BV(U2X0);
    UBRR0 = F_CPU / 8 / BAUD - 1;
    UCSR0C = _BV(UCSZ01) | _BV(UCSZ00);
    UCSR0B = _BV(RXEN0) | _BV(TXEN0) | _BV(RXCIE0);
    set_sleep_mode(SLEEP_MODE_IDLE);
    avr_start_box();
    sei();
}

static void sleep(uint32_t us) {
    if (us < SHORTEST_SLEEP_US) return;
    if (us > LONGEST_SLEEP_US) us = LONGEST_SLEEP_US;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) { CLOCK_COMPARE_B = (uint16_t)(CLOCK_COUNT + 2 * us); }
    cli();
    while (!avr_wake) {
        sleep_enable();
        sei();
        sleep_cpu(); /* the instruction after sei is executed before any interrupt: nothing is slept through */
        sleep_disable();
        cli();
    }
    avr_wake = false;
    sei();
}

int main(void) {
    MCUSR = 0; /* else the watchdog stays on after its own reset */
    wdt_enable(WDTO_250MS);
    start();
    harp_start();
    for (;;) {
        wdt_reset();
        if (!harp_poll()) sleep(timers_wait_us());
    }
}

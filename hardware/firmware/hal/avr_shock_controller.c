/* The shock controller's terminals (hardware/shock_controller/wiring.md).
 *
 * Gate. Timer 1 runs freely. A forced match sets the pin at once; a compare match clears it at the end, without the
 *   program and exact to the timer's 0.5 us. Longer than one turn of the timer (32.8 ms) the port holds the pin, and the
 *   match of the turn before the last one hands it to the timer. A program that hangs meanwhile is reset by the
 *   processor's watchdog, which makes the pin an input: the pull-down closes the gate.
 * Sense. While it is on, the converter alternates between current and voltage, 104 us each, by its own interrupt. */
#include <avr/interrupt.h>
#include <string.h>
#include <util/atomic.h>
#include <util/twi.h>

#include "avr.h"
#include "hal.h"

#ifdef __AVR_ATmega2560__
#define GATE PB5 /* OC1A */
#define LAMP_PORT PORTE
#define LAMP_DDR DDRE
#define LAMP PE3
#define SECOND_PORT PORTG
#define SECOND_DDR DDRG
#define SECOND PG5
#define INTERLOCK_PIN PINK
#define INTERLOCK_PORT PORTK
#define INTERLOCK PK7
#else
#define GATE PB1 /* OC1A */
#define LAMP_PORT PORTD
#define LAMP_DDR DDRD
#define LAMP PD5
#define SECOND_PORT PORTD
#define SECOND_DDR DDRD
#define SECOND PD6
#define INTERLOCK_PIN PIND
#define INTERLOCK_PORT PORTD
#define INTERLOCK PD7
#endif

#define LONGEST_GATE_US 30000000UL
#define CONVERTER_ADDRESS 0x60
#define FULL_SCALE_UA 3000UL
#define TWI_PATIENCE 400 /* turns of a loop, some 250 us: a converter that does not answer holds nothing up for long */

enum { CURRENT_CHANNEL = 0, VOLTAGE_CHANNEL = 1 };
enum { SET_ON_MATCH = _BV(COM1A1) | _BV(COM1A0), CLEAR_ON_MATCH = _BV(COM1A1) };

/* ---- gate ---- */

static volatile struct {
    uint32_t opened_half_us, closed_half_us;
} gate;

static uint32_t half_us(void) {
    uint16_t count;
    uint32_t overflows;
    return avr_half_us(&count, &overflows);
}

/* Half microseconds wrap after 36 minutes; as microseconds they are to be those of hal_us. */
static uint32_t as_us(uint32_t then_half_us) {
    uint16_t count;
    uint32_t overflows, now_half_us = avr_half_us(&count, &overflows);
    uint32_t ago_us = ((now_half_us & ~1UL) - (then_half_us & ~1UL)) / 2;
    return (overflows << 15) + (count >> 1) - ago_us;
}

static void close_now(void) {
    TIMSK1 &= (uint8_t)~_BV(OCIE1A);
    PORTB &= (uint8_t)~_BV(GATE);
    TCCR1A = 0; /* the pin is the port's again: low */
}

/* Once a turn of the timer, at the phase at which the pulse is to end. */
static void hand_over_or_end(void) {
    int32_t left = (int32_t)(gate.closed_half_us - half_us());
    if (left > 0xFFFF) return;
    if (left > 0) {
        TCCR1A = CLEAR_ON_MATCH; /* the next match is the end */
        return;
    }
    close_now();
    avr_wake = true;
}

ISR(TIMER1_COMPA_vect) { hand_over_or_end(); }

static void start_sampling(void);

void hal_gate_open(uint32_t us) {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        TCCR1A = SET_ON_MATCH;
        TCCR1C = _BV(FOC1A); /* the edge */
        PORTB |= _BV(GATE);
        uint16_t count = TCNT1;
        TCCR1A = 0;
        uint32_t now_half_us = half_us();
        gate.opened_half_us = now_half_us - (uint16_t)((uint16_t)now_half_us - count);
        gate.closed_half_us = gate.opened_half_us + 2 * (us < LONGEST_GATE_US ? us : LONGEST_GATE_US);
        OCR1A = (uint16_t)gate.closed_half_us;
        TIFR1 = _BV(OCF1A);
        TIMSK1 |= _BV(OCIE1A);
        hand_over_or_end();
    }
    start_sampling();
}

void hal_gate_close(void) {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        if (hal_gate_is_open()) gate.closed_half_us = half_us();
        close_now();
    }
}

bool hal_gate_is_open(void) { return PORTB & _BV(GATE); }

uint32_t hal_gate_opened_us(void) { return as_us(gate.opened_half_us); }

uint32_t hal_gate_closed_us(void) { return as_us(gate.closed_half_us); }

/* ---- second switch, lamp, interlock ---- */

static void set_pin(volatile uint8_t *port, uint8_t pin, bool high) {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        if (high)
            *port |= (uint8_t)_BV(pin);
        else
            *port &= (uint8_t)~_BV(pin);
    }
}

void hal_second_switch(bool closed) { set_pin(&SECOND_PORT, SECOND, closed); }

void hal_lamp(bool lit) { set_pin(&LAMP_PORT, LAMP, lit); }

bool hal_interlock_closed(void) { return !(INTERLOCK_PIN & _BV(INTERLOCK)); }

ISR(PCINT2_vect) { avr_wake = true; }

/* ---- the current's converter: MCP4725, fast write ---- */

/* Whether the bus did what the control bits ask for: began, or moved a byte that was acknowledged. */
static bool twi_step(uint8_t control) {
    TWCR = (uint8_t)(_BV(TWINT) | _BV(TWEN) | control);
    for (uint16_t patience = TWI_PATIENCE; patience; patience--) {
        if (!(TWCR & _BV(TWINT))) continue;
        uint8_t status = TW_STATUS;
        if (control ? status == TW_START : status == TW_MT_SLA_ACK || status == TW_MT_DATA_ACK) return true;
    }
    return false;
}

static bool twi_byte(uint8_t byte) {
    TWDR = byte;
    return twi_step(0);
}

bool hal_set_current(uint16_t ua) {
    uint16_t level = (uint16_t)(((uint32_t)(ua < FULL_SCALE_UA ? ua : FULL_SCALE_UA) * 4095 + FULL_SCALE_UA / 2) / FULL_SCALE_UA);
    for (uint16_t patience = TWI_PATIENCE; patience && TWCR & _BV(TWSTO); patience--) continue; /* the last stop */
    bool answered = twi_step(_BV(TWSTA)) && twi_byte(CONVERTER_ADDRESS << 1) && twi_byte((uint8_t)(level >> 8)) &&
                    twi_byte((uint8_t)level);
    TWCR = _BV(TWINT) | _BV(TWEN) | _BV(TWSTO);
    return answered;
}

/* ---- current and voltage ---- */

static struct sense sums;
static volatile bool senses, gate_was_open;

static void start_conversion(uint8_t channel) {
    gate_was_open = hal_gate_is_open();
    ADMUX = channel; /* against the reference at AREF */
    ADCSRA |= _BV(ADSC);
}

/* A sample counts for a state only if that state held from its beginning to its end. */
ISR(ADC_vect) {
    uint16_t steps = ADC;
    bool open = hal_gate_is_open(), held = open == gate_was_open;
    bool current = (ADMUX & 0x0F) == CURRENT_CHANNEL;
    if (held && open && current) {
        sums.n++;
        sums.current += steps;
    } else if (held && open) {
        sums.voltage += steps;
    } else if (held && current) {
        sums.n_closed++;
        sums.current_closed = steps;
    }
    if (senses) start_conversion(current ? VOLTAGE_CHANNEL : CURRENT_CHANNEL);
}

static void start_sampling(void) {
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        memset(&sums, 0, sizeof sums);
        if (senses && !(ADCSRA & _BV(ADSC))) start_conversion(CURRENT_CHANNEL);
    }
}

void hal_sense(bool on) {
    senses = on;
    if (on) start_sampling();
}

struct sense hal_take_sense(void) {
    struct sense taken;
    ATOMIC_BLOCK(ATOMIC_RESTORESTATE) {
        taken = sums;
        memset(&sums, 0, sizeof sums);
    }
    return taken;
}

/* ---- start ---- */

void avr_pins_off(void) {
    PORTB &= (uint8_t)~_BV(GATE);
    SECOND_PORT &= (uint8_t)~_BV(SECOND);
    LAMP_PORT &= (uint8_t)~_BV(LAMP);
    DDRB |= _BV(GATE);
    SECOND_DDR |= _BV(SECOND);
    LAMP_DDR |= _BV(LAMP);
}

void hal_be_off(void) {
    hal_gate_close();
    hal_second_switch(false);
}

void avr_start_box(void) {
    INTERLOCK_PORT |= _BV(INTERLOCK); /* pulled up: a broken wire is an open interlock */
    PCMSK2 = _BV(INTERLOCK); /* PCINT16..23 are port D of the one, port K of the other */
    PCICR = _BV(PCIE2);
    TWBR = 12; /* 400 kHz */
    ADCSRA = _BV(ADEN) | _BV(ADIE) | _BV(ADPS2) | _BV(ADPS1) | _BV(ADPS0);
    DIDR0 = _BV(ADC0D) | _BV(ADC1D);
}

/* The terminals of operant chamber and shuttle box on an ATmega2560 (their wiring.md): inputs on port K, outputs on port C,
 * the tone on PB5 (OC1A), the shock controller's line on PK5. */
#include <avr/interrupt.h>

#include "avr.h"
#include "hal.h"

#define TONE PB5
#define TONE_CLOCK (F_CPU / 8)

#ifdef OUTPUTS_GATE_OPEN
enum { N_INPUTS = 5, ACTIVE_LOW = INPUT_LINES_GATE_OPENED | INPUT_LINES_GATE_CLOSED, PULSE_IS_ON = PK5 };
enum { PULLED_UP = ACTIVE_LOW, WATCHED = 0x3F };
#else
enum { N_INPUTS = 4, ACTIVE_LOW = INPUT_LINES_LEVER_LEFT | INPUT_LINES_LEVER_RIGHT, FEEDER = PC6 };
enum { PULLED_UP = ACTIVE_LOW, WATCHED = 0x0F };
#endif

ISR(PCINT2_vect) { avr_wake = true; }

uint8_t hal_inputs(void) { return (uint8_t)((PINK ^ ACTIVE_LOW) & (_BV(N_INPUTS) - 1)); }

#ifdef OUTPUTS_GATE_OPEN

bool hal_pulse_is_on(void) { return PINK & _BV(PULSE_IS_ON); }

/* House light, cue lights, gate, routes: PC0, PC1, PC2, PC4, PC5, PC6, as their bits stand. */
void hal_outputs(uint16_t outputs) { PORTC = (uint8_t)(outputs & (uint8_t)~OUTPUTS_TONE); }

#else

/* House light, cue lights, levers: PC0, PC1, PC2, PC4, PC5, as their bits stand. */
void hal_outputs(uint16_t outputs) {
    PORTC = (uint8_t)((PORTC & _BV(FEEDER)) | (outputs & (uint8_t)~(OUTPUTS_TONE | _BV(FEEDER))));
}

void hal_feeder(bool on) {
    if (on)
        PORTC |= _BV(FEEDER);
    else
        PORTC &= (uint8_t)~_BV(FEEDER);
}

#endif

/* Timer 1 counts to the half period and turns the pin over by itself. */
void hal_tone(uint16_t hz) {
    if (!hz) {
        TCCR1A = 0;
        TCCR1B = 0;
        PORTB &= (uint8_t)~_BV(TONE);
        return;
    }
    OCR1A = (uint16_t)(TONE_CLOCK / 2 / hz - 1);
    if (TCNT1 > OCR1A) TCNT1 = 0;
    TCCR1A = _BV(COM1A0);
    TCCR1B = _BV(WGM12) | _BV(CS11);
}

void avr_pins_off(void) {
    PORTC = 0;
    DDRC = 0x7F;
    PORTB &= (uint8_t)~_BV(TONE);
    DDRB |= _BV(TONE);
}

void hal_be_off(void) { avr_pins_off(); }

void avr_start_box(void) {
    PORTK = PULLED_UP;
    PCMSK2 = WATCHED;
    PCICR = _BV(PCIE2);
}

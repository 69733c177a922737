/* What the parts of the AVR's HAL share. */
#ifndef AVR_H
#define AVR_H

#include <avr/io.h>
#include <stdbool.h>
#include <stdint.h>

#include "registers.h"

#ifdef REG_PULSE_STARTED /* the shock controller's gate is compare match A of the clock's own timer */
#define CLOCK_TIMER 1
#else
#define CLOCK_TIMER 3
#endif

#define JOIN_(a, b, c) a##b##c
#define JOIN(a, b, c) JOIN_(a, b, c)
#define CLOCK_COUNT JOIN(TCNT, CLOCK_TIMER, )
#define CLOCK_FLAGS JOIN(TIFR, CLOCK_TIMER, )
#define CLOCK_OVERFLOWED JOIN(TOV, CLOCK_TIMER, )
#define CLOCK_CONTROL_A JOIN(TCCR, CLOCK_TIMER, A)
#define CLOCK_CONTROL_B JOIN(TCCR, CLOCK_TIMER, B)
#define CLOCK_BY_8 JOIN(CS, CLOCK_TIMER, 1)
#define CLOCK_INTERRUPTS JOIN(TIMSK, CLOCK_TIMER, )
#define CLOCK_OVERFLOW_INTERRUPT JOIN(TOIE, CLOCK_TIMER, )
#define CLOCK_COMPB_INTERRUPT JOIN(OCIE, CLOCK_TIMER, B)
#define CLOCK_COMPARE_B JOIN(OCR, CLOCK_TIMER, B)
#define CLOCK_OVERFLOW_vect JOIN(TIMER, CLOCK_TIMER, _OVF_vect)
#define CLOCK_COMPB_vect JOIN(TIMER, CLOCK_TIMER, _COMPB_vect)

/* Set by interrupts after which there is something to do. */
extern volatile bool avr_wake;

uint32_t avr_half_us(uint16_t *count, uint32_t *overflows);

/* All pins as inputs, or low: off. Before anything else. */
void avr_pins_off(void);

/* Pins, converters and interrupts of the device's own. */
void avr_start_box(void);

#endif

/* What the core needs of a processor and of the box around it. One implementation a processor; the box's part depends on
 * the device. Whatever a HAL does, everything is off until the core says otherwise, and off again when it is reset. */
#ifndef HAL_H
#define HAL_H

#include <stdbool.h>
#include <stdint.h>

/* ---- every device ---- */

uint32_t hal_us(void);             /* microseconds since it was switched on; wraps after 71 minutes */
int hal_getc(void);                /* the next byte from the host, or -1 */
void hal_putc(uint8_t byte);       /* waits for room */
bool hal_has_room(uint8_t n);      /* whether n bytes can be put without waiting */
uint8_t hal_uid(uint8_t place);    /* the identity, 16 bytes */
void hal_be_off(void);             /* all pins as after switching on */

/* ---- shock controller ---- */

/* Open the gate now. It is closed `us` later by the timer itself, whatever the program does meanwhile. At most 30 s. */
void hal_gate_open(uint32_t us);
void hal_gate_close(void);
bool hal_gate_is_open(void);
uint32_t hal_gate_opened_us(void); /* when the last pulse began and ended, as the timer did it */
uint32_t hal_gate_closed_us(void);
void hal_second_switch(bool closed);
bool hal_set_current(uint16_t ua); /* false if the converter does not answer */
bool hal_interlock_closed(void);
void hal_lamp(bool lit);

/* What was measured since the last call, in steps of the converter: 4 uA and 0.5 V. */
struct sense {
    uint16_t n;                /* samples while the gate was open */
    uint32_t current, voltage; /* their sums */
    uint16_t n_closed;         /* samples wholly after it closed, of which */
    uint16_t current_closed;   /* the last */
};
void hal_sense(bool on);
struct sense hal_take_sense(void);

/* ---- operant chamber and shuttle box ---- */

uint8_t hal_inputs(void);               /* bits as in the register Inputs, 1 = on, not debounced */
void hal_outputs(uint16_t outputs);     /* bits as in the register Outputs; the tone is left out */
void hal_tone(uint16_t hz);             /* 0: silent */
void hal_feeder(bool on);               /* chamber */
bool hal_pulse_is_on(void);             /* shuttle box: the shock controller's lamp line */

#endif

/* The outputs that operant chamber and shuttle box have in common: OutputSet, OutputClear, OutputState, ToneFrequency. */
#ifndef OUTPUTS_H
#define OUTPUTS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the register was one of those; `OutputState` and the tone follow it then. Outputs stay off while no watchdog
 * runs, whatever is written. */
bool outputs_write(uint8_t address, uint32_t to);

/* The value of one of them; any other register's own value. */
uint32_t outputs_read(uint8_t address);

void outputs_off(void);

#endif

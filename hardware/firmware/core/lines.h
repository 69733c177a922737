/* Debounced inputs: a line counts as changed when it has stood otherwise for so long, as of the moment it began to. */
#ifndef LINES_H
#define LINES_H

#include <stdbool.h>
#include <stdint.h>

/* Begin with the lines as they stand. */
void lines_start(uint8_t raw);

/* Take the lines as they are now. `timer` is set to when it should be called next at the latest. */
void lines_look(uint8_t raw, uint32_t debounce_us, uint8_t timer);

/* Lines that have changed together, and since when; 0 if none. Each is told once; call until 0. */
uint8_t lines_changed(uint32_t debounce_us, uint32_t *since_us);

/* The lines as they were told. */
uint8_t lines_stable(void);

#endif

/* The core on this computer, at a time that the caller keeps: one device a process (or a loaded library). */
#ifndef NATIVE_H
#define NATIVE_H

#include <stdbool.h>
#include <stdint.h>

/* Switch it off and on. `uid` is 16 bytes. Time begins at 0. */
void native_power_on(const uint8_t *uid);

/* Bytes from the host, now. */
void native_receive(const uint8_t *bytes, uint32_t n);

/* Let time pass until then, doing each thing at its own microsecond. */
void native_run_until(uint64_t us);
uint64_t native_now_us(void);

/* When it next does something by itself. */
uint64_t native_next_us(void);

/* Take up to `most` bytes for the host; how many there were. What is not taken is kept, up to 1 MB. */
uint32_t native_take(uint8_t *bytes, uint32_t most);

/* Move the box; see box.h. */
bool native_hand(const char *line);

/* What the box's terminals carry, for tests: gate, second switch, lamp, feeder, microampere, outputs, tone in Hz, pulses
 * so far, and microseconds that the gate pin was high in all. */
struct native_pins {
    uint32_t gate, second_switch, lamp, feeder, current_ua, outputs, tone_hz, n_pulses;
    uint64_t gate_open_us;
};
void native_pins(struct native_pins *pins);

/* Called at each edge of the gate, if set. */
extern void (*native_gate_edge)(bool open, uint64_t us);

#endif

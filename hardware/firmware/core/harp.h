/* The Harp protocol (8 bit, 1.13) as every device of ours speaks it, and what a device has to supply to it.
 *
 * The core holds no clock and no pin: it asks the HAL. It allocates nothing. Everything that can wait is a timer, and
 * `harp_poll` does what is due; nothing in here waits for anything but room in the transmit buffer (at most one frame,
 * 0.5 ms at 1 Mbaud).
 *
 * Rules (docs/reference/registers.md has the registers):
 *  1. One reply to each valid request, stamped, with the value in force afterwards; an error reply to an unknown register,
 *     a wrong type or length, a write to what is read-only, a value out of range or a bit that the mask does not name.
 *  2. Events in Active mode only. Both generations of heartbeat.
 *  3. Frames are found as the official framer finds them: after a bad one, its first byte is skipped and the search goes
 *     on. Half a request is dropped when nothing follows for 50 ms.
 *  4. Any valid request feeds the watchdog, unless it follows noise without a pause of 50 ms. In Active mode everything is
 *     off when none came for HostWatchdog (it rings 2 ms before, so that nothing is late); and in Standby, and after a
 *     reset.
 *  5. Nothing is turned on while no watchdog runs: not in Standby, and not after it ended until a request feeds it again.
 */
#ifndef HARP_H
#define HARP_H

#include <stdbool.h>
#include <stdint.h>

#include "registers.h"
#include "timers.h"

enum { U8 = 1, U16 = 2, U32 = 4 }; /* payload types; the value is the size */

#define MS ((uint32_t)1000)

/* Switch on: registers to their defaults, Standby, everything off. */
void harp_start(void);

/* Do what is due. True if there is more to do at once. */
bool harp_poll(void);

/* The value of a register of the device's own (not the one an error reply would show). */
uint32_t value(uint8_t address);
void set_value(uint8_t address, uint32_t to);

bool harp_active(void);

/* Active, and the watchdog runs: only then may anything be turned on. */
bool harp_watched(void);

/* Report a register, if the device is Active; stamped with `at_us`, which may lie up to some seconds back. */
void harp_event(uint8_t address, uint32_t at_us);

/* Set bits of Fault. Returns those that are new; the caller reports the register when the order of events allows. */
uint8_t harp_add_fault(uint8_t bits);

/* Set bits of Fault and report them if new. */
void harp_fault(uint8_t bits);

/* ---- what a device supplies ---- */

typedef enum { BY_STANDBY, BY_WATCHDOG } off_reason;

/* After reset: its own state as after switching on. Registers have their defaults already. */
void device_start(void);

/* What is due. True if there is more to do at once. */
bool device_poll(void);

/* Turn everything off. When it was the watchdog, set and report its fault, too. */
void device_off(off_reason why);

/* Active mode was entered. */
void device_activated(void);

/* A value that its register allows was written; what comes into force is the state's matter. */
void device_write(uint8_t address, uint32_t to);

/* Element `i` of a register of its own. */
uint32_t device_read(uint8_t address, uint8_t i);

#endif

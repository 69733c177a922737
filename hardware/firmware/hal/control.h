/* The two ends of a device that runs on this computer, whatever runs it: a pseudo-terminal for the host, and lines of text
 * on stdin and stdout for the hands that test it.
 *
 *   stdout at the start        PTY /dev/pts/7
 *   run US [N]                 virtual time: take bytes until N have come in all, let US pass      -> AT now N_SENT
 *   power                      off and on                                                           -> OK
 *   pins                       what the terminals carry, as name=number                             -> PINS ...
 *   edges 0|1                  a line EDGE 0|1 US for each edge of the gate pin, before the reply    -> OK
 *   quit
 *   anything of box.h                                                                               -> OK, or ? LINE
 *
 * When stdin is closed it ends: nothing outlives the test that started it. */
#ifndef CONTROL_H
#define CONTROL_H

#include <stdbool.h>
#include <stdint.h>

struct runner {
    void (*power_on)(const uint8_t uid[16]);
    void (*receive)(const uint8_t *bytes, uint32_t n);
    void (*run_until)(uint64_t us);
    uint64_t (*now_us)(void);
    uint64_t (*next_us)(void);               /* real time: when to look again at the latest */
    uint32_t (*take)(uint8_t *bytes, uint32_t most);
    bool (*hand)(const char *line);
    int (*pins)(char *text, int most);       /* writes them, ending with a newline */
};

void edge_happened(bool open, double us);

/* Serve until stdin is closed. `arguments`: [--virtual] [--uid HEX] */
int serve(const struct runner *runner, int n_arguments, char **arguments);

#endif

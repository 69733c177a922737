/* A simulated box: what stands at the terminals of a device when there is no hardware. The native HAL asks it directly,
 * the simulated processor through its pins. Hands (a test, a person) move it by one line of text each:
 *
 *   interlock 0|1              the door and the key
 *   grid sound|open|short      the bars and who stands on them (50 kOhm)
 *   deviate PERCENT            by how much the generator is off
 *   sticks 0|1                 the gate, once opened, does not open the circuit again
 *   leaks 0|1                  the gate conducts by itself
 *   converter 0|1              whether the DAC answers
 *   lever left|right 0|1       pressed; a lever that is in cannot be
 *   head 0|1                   in the food tray
 *   jam 0|1                    the feeder brings nothing
 *   beam side_left|side_right|doorway 0|1
 *   gate_sticks 0|1            the gate between the sides does not move
 *   pulse 0|1                  the shock controller's line to the shuttle box
 */
#ifndef BOX_H
#define BOX_H

#include <stdbool.h>
#include <stdint.h>

#define BOX_NEVER UINT64_MAX

struct box {
    /* the hands */
    bool interlock_closed, sticks, leaks, converter_answers, jams, gate_sticks, pulse_is_on, head_in;
    bool pressed[2];
    uint8_t touched; /* beams, as bits of Inputs */
    enum { SOUND, OPEN_GRID, SHORTED } grid;
    double deviation_percent;
    /* what the device drives */
    bool gate, second_switch, feeder, lamp;
    uint16_t current_ua, outputs, tone_hz;
    /* what moves */
    bool welded;              /* a gate that sticks was opened */
    double gate_height;       /* 0 closed, 1 open */
    uint64_t now_us, pellet_us, sensor_free_us;
};

void box_power_on(struct box *box);

/* Does what moves by itself until then. */
void box_advance(struct box *box, uint64_t now_us);
uint64_t box_next_us(const struct box *box);

/* A line of text from the hands; false if it means nothing. */
bool box_hand(struct box *box, const char *line);

/* After the device changed a pin of its own. */
void box_driven(struct box *box);

double box_ua(const struct box *box);      /* through the grid */
double box_volt(const struct box *box);    /* over the grid */
uint8_t box_inputs(const struct box *box); /* of the chambers, bits as in Inputs */

#endif

#include "box.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "registers.h"

#define GRID_OHM 50000.0
#define COMPLIANCE_VOLT 400.0
#define FEEDER_US 150000
#define PELLET_US 20000
#define GATE_US 100000.0

#ifdef OUTPUTS_GATE_OPEN
#define DRIVEN_UP(box) (((box)->outputs & OUTPUTS_GATE_OPEN) != 0)
#else
#define DRIVEN_UP(box) false
#endif

void box_power_on(struct box *box) {
    memset(box, 0, sizeof *box);
    box->interlock_closed = box->converter_answers = true;
    box->pellet_us = box->sensor_free_us = BOX_NEVER;
}

/* When the gate next comes to, or leaves, an end switch. */
static uint64_t gate_arrives_us(const struct box *box) {
    double to_go = DRIVEN_UP(box) ? 1 - box->gate_height : box->gate_height;
    if (box->gate_sticks || to_go <= 0) return BOX_NEVER;
    if (to_go >= 1) return box->now_us + 1; /* it leaves its end switch */
    return box->now_us + (uint64_t)ceil(to_go * GATE_US);
}

uint64_t box_next_us(const struct box *box) {
    uint64_t soonest_us = gate_arrives_us(box);
    if (box->pellet_us < soonest_us) soonest_us = box->pellet_us;
    if (box->sensor_free_us < soonest_us) soonest_us = box->sensor_free_us;
    return soonest_us;
}

static void move_gate(struct box *box, uint64_t us) {
    if (box->gate_sticks) return;
    box->gate_height += (DRIVEN_UP(box) ? 1 : -1) * (double)us / GATE_US;
    if (box->gate_height > 1 - 1e-9) box->gate_height = 1;
    if (box->gate_height < 1e-9) box->gate_height = 0;
}

void box_advance(struct box *box, uint64_t now_us) {
    move_gate(box, now_us - box->now_us);
    box->now_us = now_us;
    if (now_us >= box->sensor_free_us) box->sensor_free_us = BOX_NEVER;
    if (now_us >= box->pellet_us) {
        box->sensor_free_us = box->pellet_us + PELLET_US;
        box->pellet_us += FEEDER_US;
    }
}

void box_driven(struct box *box) {
    if (box->sticks && box->gate) box->welded = true;
    if (!box->sticks) box->welded = false;
    if (!box->feeder || box->jams)
        box->pellet_us = BOX_NEVER;
    else if (box->pellet_us == BOX_NEVER)
        box->pellet_us = box->now_us + FEEDER_US;
}

static bool take_flag(const char *line, const char *word, bool *flag) {
    char read[32];
    int to;
    if (sscanf(line, "%31s %d", read, &to) != 2 || strcmp(read, word)) return false;
    *flag = to != 0;
    return true;
}

static bool take_touch(struct box *box, const char *line) {
#ifdef INPUT_LINES_DOORWAY
    char name[32];
    int to;
    if (sscanf(line, "beam %31s %d", name, &to) != 2) return false;
    uint8_t bit = !strcmp(name, "side_left")    ? INPUT_LINES_SIDE_LEFT
                  : !strcmp(name, "side_right") ? INPUT_LINES_SIDE_RIGHT
                  : !strcmp(name, "doorway")    ? INPUT_LINES_DOORWAY
                                                : 0;
    box->touched = (uint8_t)(to ? box->touched | bit : box->touched & ~bit);
    return bit;
#else
    (void)box, (void)line;
    return false;
#endif
}

static bool take_other(struct box *box, const char *line) {
    char name[32];
    int to;
    if (sscanf(line, "deviate %lf", &box->deviation_percent) == 1) return true;
    if (sscanf(line, "lever %31s %d", name, &to) == 2 && (!strcmp(name, "left") || !strcmp(name, "right"))) {
        box->pressed[!strcmp(name, "right")] = to;
        return true;
    }
    if (sscanf(line, "grid %31s", name) != 1) return false;
    if (!strcmp(name, "sound")) box->grid = SOUND;
    else if (!strcmp(name, "open")) box->grid = OPEN_GRID;
    else if (!strcmp(name, "short")) box->grid = SHORTED;
    else return false;
    return true;
}

bool box_hand(struct box *box, const char *line) {
    bool known = take_flag(line, "interlock", &box->interlock_closed) || take_flag(line, "sticks", &box->sticks) ||
                 take_flag(line, "leaks", &box->leaks) || take_flag(line, "converter", &box->converter_answers) ||
                 take_flag(line, "head", &box->head_in) || take_flag(line, "jam", &box->jams) ||
                 take_flag(line, "gate_sticks", &box->gate_sticks) || take_flag(line, "pulse", &box->pulse_is_on) ||
                 take_touch(box, line) || take_other(box, line);
    box_driven(box);
    return known;
}

double box_ua(const struct box *box) {
    bool conducts = (box->gate || box->welded || box->leaks) && box->second_switch && box->interlock_closed;
    return conducts && box->grid != OPEN_GRID ? box->current_ua * (1 + box->deviation_percent / 100) : 0;
}

double box_volt(const struct box *box) {
    bool live = (box->gate || box->welded || box->leaks) && box->second_switch && box->interlock_closed;
    if (!live || box->grid == SHORTED) return 0;
    return box->grid == OPEN_GRID ? COMPLIANCE_VOLT * (box->current_ua > 0) : box_ua(box) * 1e-6 * GRID_OHM;
}

uint8_t box_inputs(const struct box *box) {
    uint8_t on = 0;
#if defined(INPUT_LINES_LEVER_LEFT)
    if (box->pressed[0] && box->outputs & OUTPUTS_LEVER_LEFT_OUT) on |= INPUT_LINES_LEVER_LEFT;
    if (box->pressed[1] && box->outputs & OUTPUTS_LEVER_RIGHT_OUT) on |= INPUT_LINES_LEVER_RIGHT;
    if (box->head_in) on |= INPUT_LINES_HEAD_ENTRY;
    if (box->sensor_free_us != BOX_NEVER) on |= INPUT_LINES_FEEDER_SENSOR;
#elif defined(INPUT_LINES_DOORWAY)
    on = box->touched;
    if (box->gate_height >= 1) on |= INPUT_LINES_GATE_OPENED;
    if (box->gate_height <= 0) on |= INPUT_LINES_GATE_CLOSED;
#else
    (void)box;
#endif
    return on;
}

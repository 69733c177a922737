/* The firmware as a program on this computer: the same core behind a pseudo-terminal, in real or virtual time. */
#include <stdio.h>

#include "control.h"
#include "native.h"

static int pins(char *text, int most) {
    struct native_pins now;
    native_pins(&now);
    return snprintf(text, (size_t)most,
                    "gate=%u second_switch=%u lamp=%u feeder=%u current_ua=%u outputs=%u tone_hz=%u n_pulses=%u "
                    "gate_open_us=%llu\n",
                    now.gate, now.second_switch, now.lamp, now.feeder, now.current_ua, now.outputs, now.tone_hz,
                    now.n_pulses, (unsigned long long)now.gate_open_us);
}

static void edge(bool open, uint64_t us) { edge_happened(open, (double)us); }

int main(int n, char **arguments) {
    static const struct runner runner = {
        .power_on = native_power_on,
        .receive = native_receive,
        .run_until = native_run_until,
        .now_us = native_now_us,
        .next_us = native_next_us,
        .take = native_take,
        .hand = native_hand,
        .pins = pins,
    };
    native_gate_edge = edge;
    return serve(&runner, n - 1, arguments + 1);
}

#define _GNU_SOURCE
#include "control.h"

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 4096, CHUNK = 4096, READINGS_A_TURN = 4 };
#define LONGEST_WAIT_US 20000

static struct {
    const struct runner *runner;
    bool is_virtual, tells_edges, ended;
    int port;
    uint8_t uid[16];
    uint64_t n_received, n_sent, began_ns;
    char line[LINE];
    size_t n_line;
} control;

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static uint64_t real_us(void) { return (monotonic_ns() - control.began_ns) / 1000; }

void edge_happened(bool open, double us) {
    if (control.tells_edges) printf("EDGE %d %.4f\n", open, us);
}

/* ---- the port ---- */

static void open_port(void) {
    int host_end;
    char name[64];
    struct termios raw;
    if (openpty(&control.port, &host_end, name, 0, 0)) {
        perror("openpty");
        exit(2);
    }
    tcgetattr(host_end, &raw); /* the host's end stays open here, so that the port lives while no host has it open */
    cfmakeraw(&raw);
    tcsetattr(host_end, TCSANOW, &raw);
    fcntl(control.port, F_SETFL, O_NONBLOCK);
    printf("PTY %s\n", name);
    fflush(stdout);
}

static bool take_from_host(void) {
    uint8_t bytes[CHUNK];
    ssize_t n = read(control.port, bytes, sizeof bytes);
    if (n <= 0) return false;
    control.n_received += (uint64_t)n;
    control.runner->receive(bytes, (uint32_t)n);
    return true;
}

static void give_to_host(void) {
    uint8_t bytes[CHUNK];
    uint32_t n;
    while ((n = control.runner->take(bytes, sizeof bytes))) {
        ssize_t done = 0, some;
        while (done < (ssize_t)n) {
            some = write(control.port, bytes + done, n - (size_t)done);
            if (some > 0)
                done += some;
            else if (control.is_virtual)
                poll(&(struct pollfd){control.port, POLLOUT, 0}, 1, 10);
            else
                break; /* nobody reads, and the system's buffer is full: lost, as on a wire */
        }
        control.n_sent += n;
    }
}

/* ---- the hands ---- */

static void run(const char *line) {
    unsigned long long us = 0, n = 0;
    int n_given = sscanf(line, "run %llu %llu", &us, &n);
    while (n_given == 2 && control.n_received < n) {
        poll(&(struct pollfd){control.port, POLLIN, 0}, 1, 1000);
        if (!take_from_host()) break;
    }
    control.runner->run_until(control.runner->now_us() + us);
    give_to_host();
    printf("AT %llu %llu\n", (unsigned long long)control.runner->now_us(), (unsigned long long)control.n_sent);
}

static void obey(const char *line) {
    char pins[LINE];
    if (!strncmp(line, "run ", 4)) {
        run(line);
    } else if (!strcmp(line, "quit")) {
        control.ended = true;
    } else if (!strcmp(line, "power")) {
        control.runner->power_on(control.uid);
        control.began_ns = monotonic_ns();
        puts("OK");
    } else if (!strcmp(line, "pins")) {
        control.runner->pins(pins, sizeof pins);
        printf("PINS %s", pins);
    } else if (!strncmp(line, "edges ", 6)) {
        control.tells_edges = line[6] == '1';
        puts("OK");
    } else {
        if (control.runner->hand(line))
            puts("OK");
        else
            printf("? %s\n", line);
    }
    fflush(stdout);
}

static void listen_to_hands(void) {
    ssize_t n = read(0, control.line + control.n_line, LINE - 1 - control.n_line);
    if (n <= 0) {
        control.ended = true;
        return;
    }
    control.n_line += (size_t)n;
    control.line[control.n_line] = 0;
    char *end;
    while (!control.ended && (end = strchr(control.line, '\n'))) {
        *end = 0;
        obey(control.line);
        control.n_line -= (size_t)(end + 1 - control.line);
        memmove(control.line, end + 1, control.n_line + 1);
    }
    if (control.n_line == LINE - 1) control.n_line = 0; /* no line is that long */
}

/* ---- serving ---- */

static int wait_ms(void) {
    if (control.is_virtual) return -1;
    uint64_t now_us = real_us(), next_us = control.runner->next_us();
    if (next_us <= now_us) return 0;
    return (int)((next_us - now_us < LONGEST_WAIT_US ? next_us - now_us : LONGEST_WAIT_US) / 1000);
}

static bool read_arguments(int n, char **arguments) {
    for (int i = 0; i < n; i++) {
        if (!strcmp(arguments[i], "--virtual")) {
            control.is_virtual = true;
        } else if (!strcmp(arguments[i], "--uid") && i + 1 < n && strlen(arguments[i + 1]) == 32) {
            for (int k = 0; k < 16; k++) sscanf(arguments[i + 1] + 2 * k, "%2hhx", &control.uid[k]);
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int serve(const struct runner *runner, int n_arguments, char **arguments) {
    if (!read_arguments(n_arguments, arguments)) {
        fputs("usage: [--virtual] [--uid 32 hexadecimal digits]\n", stderr);
        return 2;
    }
    control.runner = runner;
    open_port();
    runner->power_on(control.uid);
    control.began_ns = monotonic_ns();
    while (!control.ended) {
        struct pollfd waits[] = {{0, POLLIN, 0}, {control.port, POLLIN, 0}};
        poll(waits, control.is_virtual ? 1 : 2, wait_ms());
        if (!control.is_virtual) {
            runner->run_until(real_us());
            for (int i = 0; i < READINGS_A_TURN && take_from_host(); i++) runner->run_until(real_us());
            give_to_host(); /* a host that never ends to speak is answered, too */
        }
        if (waits[0].revents) listen_to_hands();
    }
    return 0;
}

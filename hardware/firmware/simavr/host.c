/* Runs an AVR image of ours in simavr, between a pseudo-terminal and a simulated box (hal/control.h, hal/box.h).
 *
 *   build/simavr-shock_controller atmega328p build/shock_controller-atmega328p.elf [--virtual] [--uid HEX]
 *
 * Every pin of wiring.md is connected: what the image drives moves the box, and the box's voltages, switches and beams
 * come back at the pins. The current's converter answers on the I2C bus as an MCP4725 does. One word more than box.h has:
 * `hang`. Two things are set right that simavr 1.6 does otherwise than the processor: it rounds conversions down, and it
 * knows no reference of 4.096 V. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim_avr.h"
#include "sim_elf.h"
#include "avr_adc.h"
#include "avr_eeprom.h"
#include "avr_ioport.h"
#include "avr_twi.h"
#include "avr_uart.h"

#include "box.h"
#include "control.h"
#include "registers.h"

#define HZ 16000000ull
#define CYCLES_A_US 16
#define SLICE_US 100         /* how far the box may lag behind the processor where nothing is due */
#define REFERENCE_MV 4096
#define CONVERTER 0xC0       /* address and write bit */

enum { FROM_HOST = 1 << 16, TO_HOST = 1 << 20 };

static struct {
    avr_t *avr;
    const char *mcu, *image;
    avr_cycle_count_t began;
    avr_irq_t *uart_in, *twi_in;
    bool uart_is_full;
    uint8_t from_host[FROM_HOST], to_host[TO_HOST];
    uint32_t n_from, n_fed, n_to;
    uint8_t twi_n, twi_high;
    bool twi_selected;
    uint64_t gate_opened_cycle, gate_open_cycles, tone_rose, tone_period;
    bool tone_is_high;
    uint32_t n_pulses;
    bool crashed;
    uint32_t endless_loop; /* address of one */
} host;
static struct box box;

static uint64_t us_of(avr_cycle_count_t cycle) { return (cycle - host.began) / CYCLES_A_US; }

static bool is_small(void) { return !strcmp(host.mcu, "atmega328p"); }

/* ---- what the box gives to the pins ---- */

/* Stronger than a pull-up: the pin stays so whatever the image writes to its port. */
static void set_pin(char port, int pin, bool high) {
    static avr_ioport_external_t held[128];
    avr_ioport_external_t *all = &held[(int)port];
    all->name = port;
    all->mask |= 1u << pin;
    all->value = high ? all->value | 1u << pin : all->value & ~(1u << pin);
    avr_ioctl(host.avr, AVR_IOCTL_IOPORT_SET_EXTERNAL(port), all);
    avr_raise_irq(avr_io_getirq(host.avr, AVR_IOCTL_IOPORT_GETIRQ(port), pin), high);
}

static void set_millivolt(int channel, double mv) {
    double half_a_step = REFERENCE_MV / 1024.0 / 2; /* simavr rounds down, the processor to the nearest */
    double most = REFERENCE_MV - 1;
    double shown = mv > 0 ? mv + half_a_step : 0;
    avr_raise_irq(avr_io_getirq(host.avr, AVR_IOCTL_ADC_GETIRQ, ADC_IRQ_ADC0 + channel), (uint32_t)(shown < most ? shown : most));
}

static void show_box(void) {
#ifdef REG_PULSE_STARTED
    set_millivolt(0, box_ua(&box));       /* 1 V/mA */
    set_millivolt(1, box_volt(&box) * 8); /* 1:1000 and 8 times */
    if (is_small())
        set_pin('D', 7, !box.interlock_closed);
    else
        set_pin('K', 7, !box.interlock_closed);
#else
    uint8_t on = box_inputs(&box);
    for (int pin = 0; pin < 5; pin++) {
#ifdef INPUT_LINES_LEVER_LEFT
        bool low = 1 << pin & (INPUT_LINES_LEVER_LEFT | INPUT_LINES_LEVER_RIGHT);
#else
        bool low = 1 << pin & (INPUT_LINES_GATE_OPENED | INPUT_LINES_GATE_CLOSED);
#endif
        set_pin('K', pin, ((on >> pin) & 1) != low);
    }
    set_pin('K', 5, box.pulse_is_on);
#endif
}

/* ---- what the pins do to the box ---- */

enum pin { GATE, SECOND, LAMP, TONE, OUTPUT };

static void driven(struct avr_irq_t *irq, uint32_t level, void *which) {
    (void)irq;
    box_advance(&box, us_of(host.avr->cycle));
    int pin = (int)(intptr_t)which;
    bool high = level & 1;
    if (pin == GATE && box.gate != high) {
        box.gate = high;
        if (high) {
            host.gate_opened_cycle = host.avr->cycle;
            host.n_pulses++;
        } else {
            host.gate_open_cycles += host.avr->cycle - host.gate_opened_cycle;
        }
        edge_happened(high, (double)(host.avr->cycle - host.began) / CYCLES_A_US);
    }
    if (pin == SECOND) box.second_switch = high;
    if (pin == LAMP) box.lamp = high;
    if (pin == TONE && high && !host.tone_is_high) {
        host.tone_period = host.avr->cycle - host.tone_rose;
        host.tone_rose = host.avr->cycle;
    }
    if (pin == TONE) host.tone_is_high = high;
    if (pin >= OUTPUT) {
        uint16_t bit = (uint16_t)(1 << (pin - OUTPUT));
        box.outputs = high ? box.outputs | bit : box.outputs & (uint16_t)~bit;
#ifdef INPUT_LINES_LEVER_LEFT
        if (pin - OUTPUT == 6) box.feeder = high, box.outputs &= (uint16_t)~bit;
#endif
    }
    box_driven(&box);
    show_box();
}

static void watch(char port, int pin, int which) {
    avr_irq_register_notify(avr_io_getirq(host.avr, AVR_IOCTL_IOPORT_GETIRQ(port), pin), driven, (void *)(intptr_t)which);
}

static void converter(struct avr_irq_t *irq, uint32_t value, void *unused) {
    (void)irq, (void)unused;
    avr_twi_msg_irq_t message = {.u.v = value};
    if (message.u.twi.msg & TWI_COND_STOP) host.twi_selected = false;
    if (message.u.twi.msg & TWI_COND_START) {
        host.twi_selected = message.u.twi.addr == CONVERTER && box.converter_answers;
        host.twi_n = 0;
        if (host.twi_selected) avr_raise_irq(host.twi_in, avr_twi_irq_msg(TWI_COND_ACK, CONVERTER, 1));
    }
    if (host.twi_selected && message.u.twi.msg & TWI_COND_WRITE) {
        avr_raise_irq(host.twi_in, avr_twi_irq_msg(TWI_COND_ACK, CONVERTER, 1));
        if (host.twi_n++ % 2 == 0) {
            host.twi_high = message.u.twi.data;
        } else {
            uint16_t level = (uint16_t)(host.twi_high << 8 | message.u.twi.data);
            box.current_ua = (uint16_t)((level * 3000u + 2047) / 4095);
            show_box();
        }
    }
}

/* ---- the serial line ---- */

static void feed(void) {
    while (!host.uart_is_full && host.n_fed < host.n_from) avr_raise_irq(host.uart_in, host.from_host[host.n_fed++]);
    if (host.n_fed == host.n_from) host.n_fed = host.n_from = 0;
}

static void uart_out(struct avr_irq_t *irq, uint32_t byte, void *unused) {
    (void)irq, (void)unused;
    if (host.n_to < TO_HOST) host.to_host[host.n_to++] = (uint8_t)byte;
}

static void uart_takes(struct avr_irq_t *irq, uint32_t value, void *full) {
    (void)irq, (void)value;
    host.uart_is_full = full;
    if (!full) feed();
}

static void connect_uart(void) {
    uint32_t flags = 0;
    avr_ioctl(host.avr, AVR_IOCTL_UART_GET_FLAGS('0'), &flags);
    flags &= ~(uint32_t)(AVR_UART_FLAG_STDIO | AVR_UART_FLAG_POLL_SLEEP);
    avr_ioctl(host.avr, AVR_IOCTL_UART_SET_FLAGS('0'), &flags);
    host.uart_in = avr_io_getirq(host.avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(host.avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUTPUT), uart_out, 0);
    avr_irq_register_notify(avr_io_getirq(host.avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XON), uart_takes, 0);
    avr_irq_register_notify(avr_io_getirq(host.avr, AVR_IOCTL_UART_GETIRQ('0'), UART_IRQ_OUT_XOFF), uart_takes, &host);
}

static void connect_pins(void) {
#ifdef REG_PULSE_STARTED
    watch('B', is_small() ? 1 : 5, GATE);
    watch(is_small() ? 'D' : 'E', is_small() ? 5 : 3, LAMP);
    watch(is_small() ? 'D' : 'G', is_small() ? 6 : 5, SECOND);
    host.twi_in = avr_io_getirq(host.avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_INPUT);
    avr_irq_register_notify(avr_io_getirq(host.avr, AVR_IOCTL_TWI_GETIRQ(0), TWI_IRQ_OUTPUT), converter, 0);
#else
    for (int pin = 0; pin < 7; pin++) watch('C', pin, OUTPUT + pin);
    watch('B', 5, TONE);
#endif
}

/* ---- the processor ---- */

static void do_not_sleep(avr_t *avr, avr_cycle_count_t cycles) { (void)avr, (void)cycles; }

/* simavr's loader talks on stdout, which is the hands'. */
static int read_quietly(elf_firmware_t *image) {
    int kept = dup(1), nowhere = open("/dev/null", O_WRONLY);
    fflush(stdout);
    dup2(nowhere, 1);
    int failed = elf_read_firmware(host.image, image);
    fflush(stdout);
    dup2(kept, 1);
    close(kept);
    close(nowhere);
    return failed;
}

static void power_on(const uint8_t uid[16]) {
    elf_firmware_t image;
    memset(&image, 0, sizeof image);
    if (host.avr) avr_terminate(host.avr);
    const char *mcu = host.mcu, *path = host.image;
    memset(&host, 0, sizeof host);
    host.mcu = mcu;
    host.image = path;
    host.avr = avr_make_mcu_by_name(host.mcu);
    if (!host.avr || read_quietly(&image)) {
        fprintf(stderr, "%s: no such processor, or %s: no such image\n", host.mcu, host.image);
        exit(2);
    }
    avr_init(host.avr);
    image.frequency = HZ;
    avr_load_firmware(host.avr, &image);
    host.avr->frequency = HZ;
    for (uint32_t at = 0; at + 1 < image.flashsize; at += 2) /* rjmp to itself: where every program ends */
        if (host.avr->flash[at] == 0xFF && host.avr->flash[at + 1] == 0xCF) host.endless_loop = at;
    host.avr->vcc = host.avr->avcc = 5000;
    host.avr->aref = REFERENCE_MV;
    host.avr->sleep = do_not_sleep;
    host.avr->log = LOG_ERROR;
    uint8_t cells[16] = {0};
    bool is_named = memcmp(cells, uid, sizeof cells); /* else the EEPROM stays blank */
    memcpy(cells, uid, sizeof cells);
    avr_eeprom_desc_t eeprom = {.ee = cells, .offset = 0, .size = sizeof cells};
    if (is_named) avr_ioctl(host.avr, AVR_IOCTL_EEPROM_SET, &eeprom);
    host.began = host.avr->cycle;
    box_power_on(&box);
    connect_uart();
    connect_pins();
    show_box();
}

/* A sleeping processor would skip to its own next event, past the end of the slice. */
static avr_cycle_count_t wake_up(avr_t *avr, avr_cycle_count_t when, void *unused) {
    (void)avr, (void)when, (void)unused;
    return 0;
}

static void run_until(uint64_t us) {
    avr_cycle_count_t until = host.began + us * CYCLES_A_US;
    while (host.avr->cycle < until && !host.crashed) {
        uint64_t now_us = us_of(host.avr->cycle), slice_us = now_us + SLICE_US;
        if (box_next_us(&box) <= slice_us) slice_us = now_us + 1;
        avr_cycle_count_t slice = host.began + (slice_us < us ? slice_us : us) * CYCLES_A_US;
        if (slice > host.avr->cycle) avr_cycle_timer_register(host.avr, slice - host.avr->cycle, wake_up, 0);
        while (host.avr->cycle < slice && !host.crashed) {
            int state = avr_run(host.avr);
            host.crashed = state == cpu_Done || state == cpu_Crashed;
        }
        uint8_t inputs = box_inputs(&box);
        box_advance(&box, us_of(host.avr->cycle));
        if (box_inputs(&box) != inputs) show_box();
        feed();
    }
    if (host.crashed) {
        fputs("the processor stopped\n", stderr);
        exit(3);
    }
}

static uint64_t now_us(void) { return us_of(host.avr->cycle); }

static uint64_t next_us(void) { return now_us() + 200; }

static void receive(const uint8_t *bytes, uint32_t n) {
    if (host.n_from + n > FROM_HOST) n = FROM_HOST - host.n_from; /* faster than the wire: lost */
    memcpy(host.from_host + host.n_from, bytes, n);
    host.n_from += n;
    feed();
}

static uint32_t take(uint8_t *bytes, uint32_t most) {
    uint32_t n = host.n_to < most ? host.n_to : most;
    memcpy(bytes, host.to_host, n);
    host.n_to -= n;
    memmove(host.to_host, host.to_host + n, host.n_to);
    return n;
}

/* The program goes astray: it runs on the spot, deaf to interrupts. */
static void hang(void) {
    host.avr->sreg[S_I] = 0;
    host.avr->state = cpu_Running;
    host.avr->pc = host.endless_loop;
}

static bool hand(const char *line) {
    if (!strcmp(line, "hang") && host.endless_loop) {
        hang();
        return true;
    }
    box_advance(&box, now_us());
    bool known = box_hand(&box, line);
    show_box();
    return known;
}

/* Of the last period; none is longer than 10 ms, and after 20 ms without an edge it is silent. */
static unsigned tone_hz(void) {
    if (!host.tone_period || host.avr->cycle - host.tone_rose > HZ / 50) return 0;
    return (unsigned)((HZ + host.tone_period / 2) / host.tone_period);
}

static int pins(char *text, int most) {
    return snprintf(text, (size_t)most,
                    "gate=%u second_switch=%u lamp=%u feeder=%u current_ua=%u outputs=%u tone_hz=%u n_pulses=%u "
                    "gate_open_us=%llu\n",
                    box.gate, box.second_switch, box.lamp, box.feeder, box.current_ua, box.outputs, tone_hz(),
                    host.n_pulses, (unsigned long long)(host.gate_open_cycles / CYCLES_A_US));
}

int main(int n, char **arguments) {
    static const struct runner runner = {
        .power_on = power_on,
        .receive = receive,
        .run_until = run_until,
        .now_us = now_us,
        .next_us = next_us,
        .take = take,
        .hand = hand,
        .pins = pins,
    };
    if (n < 3) {
        fputs("usage: MCU IMAGE [--virtual] [--uid 32 hexadecimal digits]\n", stderr);
        return 2;
    }
    host.mcu = arguments[1];
    host.image = arguments[2];
    setvbuf(stdout, 0, _IOLBF, 0);
    return serve(&runner, n - 3, arguments + 3);
}

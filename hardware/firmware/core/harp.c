#include "harp.h"

#include <string.h>

#include "hal.h"
#include "table.h"

enum { READ = 1, WRITE = 2, EVENT = 3, ERROR = 8, STAMPED = 0x10 };
enum { ACTIVE = 0x01, MODE = 0x03, HEARTBEAT = 0x04, DUMP = 0x08, MUTE = 0x10, VISUAL_AND_LED = 0x60, ALIVE = 0x80 };
enum { LOCKED = 0x80, UNLOCKED = 0x40 };
enum { SMALLEST_FRAME = 6, SMALLEST_STAMPED_FRAME = 12, LARGEST_FRAME = 257, LARGEST_REPLY = 44, NO_DUMP = 0xFF };

#define STALL_US (50 * MS)
/* By HostWatchdog all is off, not from then on: a processor that is drowned in noise comes round each 1.3 ms. */
#define WATCHDOG_EARLY_US (2 * MS)
#define BYTES_A_POLL 64

#define PROTOCOL_MAJOR 1
#define PROTOCOL_MINOR 13

enum {
    WHO_AM_I,
    HARDWARE_VERSION_HIGH,
    HARDWARE_VERSION_LOW,
    ASSEMBLY_VERSION,
    CORE_VERSION_HIGH,
    CORE_VERSION_LOW,
    FIRMWARE_VERSION_HIGH,
    FIRMWARE_VERSION_LOW,
    TIMESTAMP_SECONDS,
    TIMESTAMP_MICROSECONDS,
    OPERATION_CONTROL,
    RESET_DEVICE,
    DEVICE_NAME_,
    SERIAL_NUMBER,
    CLOCK_CONFIGURATION,
    TIMESTAMP_OFFSET,
    UID,
    TAG,
    HEARTBEAT_,
    VERSION,
    N_COMMON
};

struct register_row {
    uint8_t type, length, writable;
    uint32_t minimum, maximum, initial, bits;
};

#define ANY 0UL, 0xFFFFFFFFUL, 0UL, 0xFFFFFFFFUL
static const struct register_row common_table[] IN_FLASH = {
    [WHO_AM_I] = {U16, 1, 0, ANY},
    [HARDWARE_VERSION_HIGH] = {U8, 1, 0, ANY},
    [HARDWARE_VERSION_LOW] = {U8, 1, 0, ANY},
    [ASSEMBLY_VERSION] = {U8, 1, 0, ANY},
    [CORE_VERSION_HIGH] = {U8, 1, 0, ANY},
    [CORE_VERSION_LOW] = {U8, 1, 0, ANY},
    [FIRMWARE_VERSION_HIGH] = {U8, 1, 0, ANY},
    [FIRMWARE_VERSION_LOW] = {U8, 1, 0, ANY},
    [TIMESTAMP_SECONDS] = {U32, 1, 1, ANY},
    [TIMESTAMP_MICROSECONDS] = {U16, 1, 0, ANY},
    [OPERATION_CONTROL] = {U8, 1, 1, ANY},
    [RESET_DEVICE] = {U8, 1, 1, ANY},
    [DEVICE_NAME_] = {U8, 25, 1, ANY},
    [SERIAL_NUMBER] = {U16, 1, 0, ANY},
    [CLOCK_CONFIGURATION] = {U8, 1, 1, ANY},
    [TIMESTAMP_OFFSET] = {U8, 1, 1, ANY},
    [UID] = {U8, 16, 0, ANY},
    [TAG] = {U8, 8, 0, ANY},
    [HEARTBEAT_] = {U16, 1, 0, ANY},
    [VERSION] = {U8, 32, 0, ANY},
};
static const struct register_row own_table[N_REGISTERS] IN_FLASH = {REGISTER_TABLE};
static const char device_name[] IN_FLASH = DEVICE_NAME;
static const uint8_t version[12] IN_FLASH = {
    PROTOCOL_MAJOR, PROTOCOL_MINOR, 0, FIRMWARE_MAJOR, FIRMWARE_MINOR, 0, 1, 0, 0, 'B', 'E', 'H'};
static const uint8_t device_yml_sha1[20] IN_FLASH = DEVICE_YML_SHA1;

static struct {
    uint32_t values[N_REGISTERS];
    uint32_t seconds, second_began_us; /* the clock that the host sees */
    uint32_t heard_us;
    uint8_t control, clock, next_dump;
    uint8_t frame[LARGEST_FRAME];
    uint16_t n_frame;
    bool noisy; /* bytes that belong to no frame came since the last frame or pause */
} harp;

/* ---- registers ---- */

static bool find(uint8_t address, struct register_row *row) {
    if (address < N_COMMON)
        copy_from_flash(row, &common_table[address], sizeof *row);
    else if (address >= 32 && address < 32 + N_REGISTERS)
        copy_from_flash(row, &own_table[address - 32], sizeof *row);
    else
        return false;
    return true;
}

uint32_t value(uint8_t address) { return harp.values[address - 32]; }

void set_value(uint8_t address, uint32_t to) { harp.values[address - 32] = to; }

bool harp_active(void) { return (harp.control & MODE) == ACTIVE; }

bool harp_watched(void) { return harp_active() && timer_runs(TIMER_WATCHDOG); }

/* The moment as the host is to see it. */
static void clock_at(uint32_t at_us, uint32_t *seconds, uint16_t *ticks) {
    int32_t into_us = (int32_t)(at_us - harp.second_began_us);
    *seconds = harp.seconds;
    for (; into_us >= 1000000; into_us -= 1000000) ++*seconds;
    for (; into_us < 0; into_us += 1000000) {
        if (*seconds == 0) { /* before it was switched on */
            into_us = 0;
            break;
        }
        --*seconds;
    }
    *ticks = (uint16_t)((uint32_t)into_us >> 5);
}

static uint32_t common_value(uint8_t address, uint8_t i, uint32_t at_us) {
    uint32_t seconds;
    uint16_t ticks;
    clock_at(at_us, &seconds, &ticks);
    switch (address) {
        case HARDWARE_VERSION_HIGH: return 1;
        case CORE_VERSION_HIGH: return PROTOCOL_MAJOR;
        case CORE_VERSION_LOW: return PROTOCOL_MINOR;
        case FIRMWARE_VERSION_HIGH: return FIRMWARE_MAJOR;
        case FIRMWARE_VERSION_LOW: return FIRMWARE_MINOR;
        case TIMESTAMP_SECONDS: return seconds;
        case TIMESTAMP_MICROSECONDS: return ticks;
        case OPERATION_CONTROL: return harp.control;
        case RESET_DEVICE: return 0x40; /* it woke with the values of its program */
        case DEVICE_NAME_: return i < sizeof device_name ? byte_from_flash(&device_name[i]) : 0;
        case CLOCK_CONFIGURATION: return harp.clock;
        case UID: return hal_uid(i);
        case HEARTBEAT_: return harp_active();
        case VERSION: return i < 12 ? byte_from_flash(&version[i]) : byte_from_flash(&device_yml_sha1[i - 12]);
        default: return 0;
    }
}

/* ---- what it says ---- */

static uint8_t put(uint8_t byte) {
    hal_putc(byte);
    return byte;
}

static void say(uint8_t kind, uint8_t address, uint32_t at_us) {
    struct register_row row;
    bool known = find(address, &row);
    if (!known) row.type = U8, row.length = 1;
    uint32_t seconds;
    uint16_t ticks;
    clock_at(at_us, &seconds, &ticks);
    uint8_t sum = put(kind);
    sum += put((uint8_t)(10 + row.type * row.length));
    sum += put(address);
    sum += put(0xFF);
    sum += put(row.type | STAMPED);
    for (uint8_t i = 0; i < 4; i++) sum += put((uint8_t)(seconds >> (8 * i)));
    sum += put((uint8_t)ticks);
    sum += put((uint8_t)(ticks >> 8));
    for (uint8_t i = 0; i < row.length; i++) {
        uint32_t element = !known ? 0 : address < 32 ? common_value(address, i, at_us) : device_read(address, i);
        for (uint8_t k = 0; k < row.type; k++) sum += put((uint8_t)(element >> (8 * k)));
    }
    hal_putc(sum);
}

static void reply(uint8_t kind, uint8_t address) {
    if (!(harp.control & MUTE)) say(kind, address, hal_us());
}

void harp_event(uint8_t address, uint32_t at_us) {
    if (harp_active()) say(EVENT, address, at_us);
}

uint8_t harp_add_fault(uint8_t bits) {
    uint8_t before = (uint8_t)value(REG_FAULT);
    set_value(REG_FAULT, before | bits);
    return bits & (uint8_t)~before;
}

void harp_fault(uint8_t bits) {
    if (harp_add_fault(bits)) harp_event(REG_FAULT, hal_us());
}

/* ---- modes, clock, reset ---- */

static void feed_watchdog(void) {
    if (harp_active()) timer_in(TIMER_WATCHDOG, value(REG_HOST_WATCHDOG) * MS - WATCHDOG_EARLY_US);
}

static void set_control(uint8_t control) {
    bool was_active = harp_active();
    harp.control = control;
    if (was_active && !harp_active()) {
        timer_stop(TIMER_WATCHDOG);
        device_off(BY_STANDBY);
    } else if (harp_active() && !was_active) {
        feed_watchdog();
        device_activated();
    }
}

static void second_passed(void) {
    harp.seconds++;
    harp.second_began_us += 1000000UL;
    timer_at(TIMER_SECOND, harp.second_began_us + 1000000UL);
    if (harp.control & HEARTBEAT) harp_event(HEARTBEAT_, harp.second_began_us);
    if (harp.control & ALIVE) harp_event(TIMESTAMP_SECONDS, harp.second_began_us);
}

static void begin(void) {
    struct register_row row;
    for (uint8_t i = 0; i < N_REGISTERS; i++) {
        find((uint8_t)(32 + i), &row);
        harp.values[i] = row.initial;
    }
    harp.control = VISUAL_AND_LED;
    harp.clock = LOCKED;
    harp.next_dump = NO_DUMP;
    harp.seconds = 0;
    harp.second_began_us = hal_us();
    timers_clear();
    timer_in(TIMER_SECOND, 1000000UL);
    device_start();
}

void harp_start(void) {
    memset(&harp, 0, sizeof harp);
    hal_be_off();
    begin();
}

/* ---- requests ---- */

static bool write_common(uint8_t address, uint32_t to) {
    switch (address) {
        case OPERATION_CONTROL:
            if ((to & MODE) > ACTIVE) return false;
            set_control((uint8_t)(to & (uint8_t)~DUMP));
            break;
        case TIMESTAMP_SECONDS:
            if (harp.clock == UNLOCKED) harp.seconds = to;
            break;
        case CLOCK_CONFIGURATION:
            if ((to & 0xC0) == LOCKED || (to & 0xC0) == UNLOCKED) harp.clock = (uint8_t)(to & 0xC0);
            break;
        default: break; /* nothing to keep: the value in force answers */
    }
    return true;
}

static void write(uint8_t address, const struct register_row *row, const uint8_t *payload, uint16_t n) {
    uint32_t to = 0;
    for (uint8_t i = 0; i < 4 && i < n; i++) to |= (uint32_t)payload[i] << (8 * i);
    bool good = row->writable && n == (uint16_t)row->type * row->length;
    if (row->length == 1) good = good && to >= row->minimum && to <= row->maximum && !(to & ~row->bits);
    if (good && address < 32)
        good = write_common(address, to);
    else if (good)
        device_write(address, to);
    reply(good ? WRITE : WRITE | ERROR, address);
    if (good && address == RESET_DEVICE && to & 0x03) {
        device_off(BY_STANDBY);
        begin();
    } else if (good && address == OPERATION_CONTROL && to & DUMP) {
        harp.next_dump = 0;
    }
}

/* A whole frame with a right checksum. In noise one comes about by chance now and then, for the sum is weak: what
 * follows noise is answered, but does not show that the host lives. */
static void request(const uint8_t *frame, uint16_t n) {
    uint8_t kind = frame[0], address = frame[2];
    if (kind != READ && kind != WRITE) return;
    if (!harp.noisy) feed_watchdog();
    struct register_row row;
    if (!find(address, &row) || (frame[4] & (uint8_t)~STAMPED) != row.type) {
        reply(kind | ERROR, address);
    } else if (kind == READ) {
        reply(READ, address);
    } else {
        uint16_t payload = frame[4] & STAMPED ? 11 : 5;
        write(address, &row, frame + payload, (uint16_t)(n - 1 - payload));
    }
}

/* ---- frames ---- */

static bool may_begin_a_frame(uint8_t byte) { return !(byte & 0xF4) && (byte & 0x03); }

static bool is_payload_type(uint8_t byte) {
    uint8_t size = byte & 0x0F;
    if ((size != 1 && size != 2 && size != 4 && size != 8) || byte & 0x20) return false;
    return !(byte & 0x40) || (byte & 0xEF) == 0x44;
}

static bool is_frame(const uint8_t *frame, uint16_t n) {
    if (n < SMALLEST_FRAME) return false;
    uint8_t sum = 0;
    for (uint16_t i = 0; i + 1 < n; i++) sum += frame[i];
    return sum == frame[n - 1] && is_payload_type(frame[4]) && !(frame[4] & STAMPED && n < SMALLEST_STAMPED_FRAME);
}

static void skip(uint16_t n) {
    harp.n_frame -= n;
    memmove(harp.frame, harp.frame + n, harp.n_frame);
}

/* One step of the search. False when more bytes are needed. */
static bool search(void) {
    uint16_t start = 0;
    while (start < harp.n_frame && !may_begin_a_frame(harp.frame[start])) start++;
    if (start) {
        skip(start);
        harp.noisy = true;
    }
    if (harp.n_frame < 2) return false;
    uint16_t n = (uint16_t)(harp.frame[1] + 2);
    if (n > 2 && n > harp.n_frame) return false;
    bool whole = n > 2 && is_frame(harp.frame, n);
    if (whole) request(harp.frame, n);
    harp.noisy = !whole;
    skip(whole ? n : 1);
    return true;
}

/* After a pause. */
static void begin_anew(void) {
    harp.n_frame = 0;
    harp.noisy = false;
}

static bool receive(void) {
    uint8_t n_taken = 0;
    int byte;
    while (n_taken < BYTES_A_POLL && harp.n_frame < LARGEST_FRAME && (byte = hal_getc()) >= 0) {
        if (!n_taken && hal_us() - harp.heard_us >= STALL_US) begin_anew();
        harp.frame[harp.n_frame++] = (uint8_t)byte;
        n_taken++;
    }
    if (n_taken) {
        harp.heard_us = hal_us();
        timer_in(TIMER_STALL, STALL_US);
    } else if (timer_rang(TIMER_STALL)) {
        begin_anew();
    }
    return search() || n_taken == BYTES_A_POLL;
}

/* One register a poll, so that a dump holds nothing up. */
static bool dump(void) {
    struct register_row row;
    if (harp.next_dump == NO_DUMP || !hal_has_room(LARGEST_REPLY)) return false;
    if (find(harp.next_dump, &row)) reply(READ, harp.next_dump);
    if (++harp.next_dump == 32 + N_REGISTERS) harp.next_dump = NO_DUMP;
    return harp.next_dump != NO_DUMP;
}

bool harp_poll(void) {
    while (timer_rang(TIMER_SECOND)) second_passed();
    if (timer_rang(TIMER_WATCHDOG)) device_off(BY_WATCHDOG);
    bool more = device_poll();
    more |= dump();
    return receive() || more;
}

/* A guest for tests: no disk, no operating system, a few KiB. It shows on its serial port that it runs, and where it does not.
 *
 * Started by QEMU's multiboot loader (-kernel) on machine type pc. On COM1, one line each:
 *     boot ID memory_kib=N    once; ID is the time of day and the time-stamp counter, so no two boots have the same
 *     beat N of ID            once a second; N counts from 1
 *     off ID                  before it powers off because its ACPI power button was pressed
 * Words of its command line:
 *     fill       write all memory once, with bytes that do not repeat: a migration has something to move
 *     dirty=N    write to N KiB of memory (whole pages of 4 KiB) each tick of 10 ms, round and round
 *     deaf       do not listen to the power button
 *     busy=P     use P % of its CPU (0 to 100)
 * Built by gcc or clang with -m32 -nostdlib; needs nothing of the C library. */

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

enum {
    TICKS_PER_SECOND = 100,
    PIT_HZ = 1193182,
    COM1 = 0x3f8,
    TIMER_VECTOR = 32,
    /* Memory that is filled and dirtied begins here, well above us. */
    PLAY_BEGIN = 4 << 20,
    /* The firmware keeps its tables in the last KiB of memory. */
    FIRMWARE = 512 << 10,
    PAGE = 4096,
};

/* The multiboot header (memory sizes, please), the entry, and the timer's interrupt. */
asm(".section .multiboot, \"a\"\n"
    "    .align 4\n"
    "    .long 0x1badb002, 2, -(0x1badb002 + 2)\n"
    ".text\n"
    ".globl start\n"
    "start:\n"
    "    mov $stack_end, %esp\n"
    "    push %ebx\n"
    "    call run\n"
    ".globl on_tick\n"
    "on_tick:\n"
    "    incl ticks\n"
    "    push %eax\n"
    "    mov $0x20, %al\n"
    "    outb %al, $0x20\n"
    "    pop %eax\n"
    "    iret\n"
    ".bss\n"
    "    .align 16\n"
    "    .skip 16384\n"
    "stack_end:\n"
    ".text\n");
extern char on_tick[];
volatile u32 ticks;

static void out8(u16 port, u8 value) { asm volatile("outb %0, %1" : : "a"(value), "Nd"(port)); }
static void out16(u16 port, u16 value) { asm volatile("outw %0, %1" : : "a"(value), "Nd"(port)); }
static void out32(u16 port, u32 value) { asm volatile("outl %0, %1" : : "a"(value), "Nd"(port)); }
static u8 in8(u16 port) { u8 value; asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port)); return value; }
static u16 in16(u16 port) { u16 value; asm volatile("inw %1, %0" : "=a"(value) : "Nd"(port)); return value; }
static u32 in32(u16 port) { u32 value; asm volatile("inl %1, %0" : "=a"(value) : "Nd"(port)); return value; }

/* ---- the serial port ---- */

static void serial_begin(void) {
    out8(COM1 + 1, 0);    /* no interrupts */
    out8(COM1 + 3, 0x80); /* the divisor is shown */
    out8(COM1, 1);        /* 115200 baud */
    out8(COM1 + 1, 0);
    out8(COM1 + 3, 3); /* 8 bits, no parity, 1 stop bit */
}

static void say_char(char c) {
    while (!(in8(COM1 + 5) & 0x20)) {}
    out8(COM1, c);
}

static void say(const char *text) {
    for (; *text; text++) say_char(*text);
}

static void say_number(u32 n, u32 base, u32 digits_min) {
    char reversed[32];
    u32 count = 0;
    do {
        reversed[count++] = "0123456789abcdef"[n % base];
        n /= base;
    } while (n || count < digits_min);
    while (count) say_char(reversed[--count]);
}

/* ---- the name of this boot ---- */

static u8 rtc(u8 index) {
    out8(0x70, index);
    return in8(0x71);
}

static struct { u8 time[6]; u32 stamp; } boot;

static void name_boot(void) {
    static const u8 year_to_second[6] = {9, 8, 7, 4, 2, 0};
    u32 high;
    while (rtc(0x0a) & 0x80) {} /* the clock is being set forward */
    for (int i = 0; i < 6; i++) boot.time[i] = rtc(year_to_second[i]);
    asm volatile("rdtsc" : "=a"(boot.stamp), "=d"(high));
}

static void say_boot(void) {
    for (int i = 0; i < 6; i++) say_number(boot.time[i], 16, 2); /* decimal digits as they are: the clock counts in BCD */
    say_char('-');
    say_number(boot.stamp, 16, 8);
}

/* ---- the timer ---- */

struct __attribute__((packed)) table { u16 limit; u32 base; };
static u32 segments[6] = {0, 0, 0x0000ffff, 0x00cf9a00, 0x0000ffff, 0x00cf9200}; /* none, flat code, flat data */
static u32 gates[2 * (TIMER_VECTOR + 1)];

static void timer_begin(void) {
    struct table gdt = {sizeof segments - 1, (u32)segments}, idt = {sizeof gates - 1, (u32)gates};
    asm volatile("lgdt %0\n"
                 "ljmp $8, $1f\n"
                 "1: mov %1, %%ds\n"
                 "mov %1, %%es\n"
                 "mov %1, %%ss\n" : : "m"(gdt), "r"(16) : "memory");
    gates[2 * TIMER_VECTOR] = 8 << 16 | ((u32)on_tick & 0xffff);
    gates[2 * TIMER_VECTOR + 1] = ((u32)on_tick & 0xffff0000) | 0x8e00;
    asm volatile("lidt %0" : : "m"(idt));
    /* Both interrupt controllers: begin, vectors, how they are wired, mode; then all but the timer masked. */
    static const u8 first[5] = {0x11, TIMER_VECTOR, 4, 1, 0xfe}, second[5] = {0x11, TIMER_VECTOR + 8, 2, 1, 0xff};
    for (int i = 0; i < 5; i++) {
        out8(i ? 0x21 : 0x20, first[i]);
        out8(i ? 0xa1 : 0xa0, second[i]);
    }
    out8(0x43, 0x34); /* channel 0, both bytes, rate generator */
    out8(0x40, (PIT_HZ / TICKS_PER_SECOND) & 0xff);
    out8(0x40, (PIT_HZ / TICKS_PER_SECOND) >> 8);
    asm volatile("sti");
}

/* ---- ACPI: the PIIX4's power management says itself where its ports are ---- */

static u16 power_ports(void) {
    out32(0xcf8, 0x80000000u | 1 << 11 | 3 << 8 | 0x40);
    return in32(0xcfc) & 0xffc0;
}

enum { BUTTON = 1 << 8, SLEEP = 1 << 13 };

/* ---- the command line ---- */

/* Whether `word` stands in `line` as a whole word, or, where it ends in '=', with a number, which goes to `value`. */
static int has_word(const char *line, const char *word, u32 *value) {
    while (*line) {
        const char *w = word;
        while (*line == ' ') line++;
        while (*w && *line == *w) line++, w++;
        if (!*w) {
            u32 n = 0;
            if (w[-1] == '=') {
                while (*line >= '0' && *line <= '9') n = 10 * n + (*line++ - '0');
                *value = n;
            }
            if (!*line || *line == ' ') return 1;
        }
        while (*line && *line != ' ') line++;
    }
    return 0;
}

/* What the loader tells: flags, memory below 1 MiB and above, KiB, the boot device, the command line. */
struct loaded { u32 flags, memory_lower_kib, memory_upper_kib, device; const char *line; };

void run(const struct loaded *loaded) {
    const char *line = loaded->flags & 4 ? loaded->line : "";
    u32 upper_kib = loaded->flags & 1 ? loaded->memory_upper_kib : 0;
    u32 play_end = (1u << 20) + upper_kib * 1024 - FIRMWARE;
    u32 dirty_kib = 0, busy = 0, unused;
    int deaf = has_word(line, "deaf", &unused), fill = has_word(line, "fill", &unused);
    has_word(line, "dirty=", &dirty_kib);
    has_word(line, "busy=", &busy);
    if (play_end < PLAY_BEGIN + PAGE) fill = 0, dirty_kib = 0;

    serial_begin();
    name_boot();
    /* A line that an earlier boot left unfinished ends here. */
    say("\nboot ");
    say_boot();
    say(" memory_kib=");
    say_number(upper_kib + 1024, 10, 1);
    say("\n");

    u32 noise = boot.stamp | 1;
    for (u32 at = PLAY_BEGIN; fill && at < play_end; at += 4) {
        noise ^= noise << 13, noise ^= noise >> 17, noise ^= noise << 5;
        *(volatile u32 *)at = noise;
    }

    u16 power = power_ports();
    out16(power + 2, BUTTON);
    timer_begin();

    u32 seen = 0, beats = 0, page = PLAY_BEGIN;
    for (;;) {
        /* Of each hundred ticks, `busy` pass in this loop, evenly spread; in the others the CPU sleeps. */
        u32 now = ticks;
        if (now == seen) {
            u32 slot = now % 100;
            if (slot * busy / 100 == (slot + 1) * busy / 100) asm volatile("hlt");
            continue;
        }
        seen++;
        for (u32 kib = 0; kib < dirty_kib; kib += PAGE / 1024) {
            *(volatile u32 *)page += noise;
            page = page + 2 * PAGE > play_end ? PLAY_BEGIN : page + PAGE;
        }
        if (seen % TICKS_PER_SECOND == 0) {
            say("beat ");
            say_number(++beats, 10, 1);
            say(" of ");
            say_boot();
            say("\n");
        }
        if (!deaf && (in16(power) & BUTTON)) {
            say("off ");
            say_boot();
            say("\n");
            out16(power, BUTTON);
            out16(power + 4, SLEEP);
        }
    }
}

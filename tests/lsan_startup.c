// SPDX-License-Identifier: MIT
// Linked into programs built with AddressSanitizer. What libraries allocate in their constructors,
// before main() has begun, is theirs to keep: GLib lets go of its first table of quarks when that
// grows, because readers take no lock. A suppression by name would need the slow unwinder, at five
// times the cost.
#include <sanitizer/lsan_interface.h>

static void look_away(int argc, char **argv, char **environment) {
    __lsan_disable();
}

// Before the constructors of any library …
__attribute__((section(".preinit_array"),
               used)) static void (*const before_libraries)(int, char **, char **) = look_away;

// … and after them: the program's own come last.
__attribute__((constructor)) static void look_again(void) {
    __lsan_enable();
}

#!/bin/sh
# SPDX-License-Identifier: MIT
# Writes the assembler file that carries every file under DIRECTORY: sh assets_data.sh DIRECTORY
# What is there for the README alone stays out.
# The table's order is that of strcmp(): static.c searches it by halves. Pointers are 64 bits wide.
set -eu
export LC_ALL=C
cd "$1"
here=$(pwd)
list=$(find . -type f ! -name '.*' ! -path '*/.*' ! -path './readme/*' | sed 's|^\./||' | sort)

if printf '%s\n' "$list" | grep -v '^[A-Za-z0-9._/-]*$' >&2; then
    echo "assets_data.sh: file names are letters, digits, dots, dashes and underscores" >&2
    exit 1
fi

echo '    .section .rodata'
number=0
for path in $list; do
    printf 'path%d: .asciz "%s"\n' "$number" "$path"
    printf '    .balign 16\nstart%d: .incbin "%s/%s"\nend%d: .byte 0\n' \
        "$number" "$here" "$path" "$number"
    number=$((number + 1))
done

echo '    .section .data.rel.ro, "aw"'
echo '    .balign 8'
echo '    .globl assets_data, assets_data_end'
echo 'assets_data:'
last=$number
number=0
while [ "$number" -lt "$last" ]; do
    printf '    .quad path%d, start%d, end%d\n' "$number" "$number" "$number"
    number=$((number + 1))
done
echo 'assets_data_end:'
echo '    .quad 0'
echo '    .section .note.GNU-stack, "", %progbits'

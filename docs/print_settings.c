/* print_settings.c - prints the settings for automxd.conf(5), at build time. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "base/settings.h"

int main(void)
{
    settings_print_mdoc(stdout);
    return ferror(stdout) || fclose(stdout) != 0;
}

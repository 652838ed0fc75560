/* fuzz_ini.c - the configuration file under any bytes. */
/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
    if (!holds)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = NULL;
    struct error error = {{0}};
    enum status status = settings_parse("file", (const char *)data, size, &settings, &error);
    demand((status == STATUS_OK) == (settings != NULL));
    demand((status == STATUS_OK) == (error.text[0] == '\0'));
    if (!settings)
        return 0;
    demand(settings->db_uri && settings->listen);
    demand(settings->lookup_timeout >= 100 && settings->lookup_timeout <= 30000);
    char *printed = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&printed, &length);
    demand(out != NULL);
    settings_print(settings, out);
    fclose(out);
    free(printed);
    settings_free(&settings);
    return 0;
}

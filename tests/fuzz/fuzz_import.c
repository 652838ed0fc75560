/* fuzz_import.c - a JSON file of accounts into a database, out again, and the documents of all its domains. */
/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "accounts_check.h"
#include "oracle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct store_session *session;
    struct error error = {""};
    if (!session)
        session = accounts_open();
    if (store_replace(session, (const char *)data, size, &error) == STATUS_OK) {
        demand_accounts(session);
    } else {
        demand(error.text[0] != '\0');
        demand_text(error.text, strlen(error.text));
    }
    return 0;
}

/* domain.c - the one spelling of a domain name that is compared and stored. */
/* SPDX-License-Identifier: MIT */
#include "account/domain.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

enum {
    LABEL_MAX = 63,
    /* A U-label in UTF-8 is longer than its A-label at times; four bytes a character is the worst. */
    INPUT_MAX = DOMAIN_NAME_MAX * 4,
};

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool is_ascii(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x80)
            return false;
    }
    return true;
}

/* Why a label is none, or NULL when it is one. */
static const char *label_fault(const char *label, size_t length, bool underscore)
{
    if (length == 0)
        return "it has an empty part";
    if (length > LABEL_MAX)
        return "a part between dots is longer than 63 characters";
    if (label[0] == '-' || label[length - 1] == '-')
        return "a part begins or ends with a hyphen";
    for (size_t i = 0; i < length; i++) {
        if (!is_letter_or_digit(label[i]) && label[i] != '-' && !(underscore && label[i] == '_'))
            return "it holds a character that no domain name has";
    }
    return NULL;
}

static bool all_digits(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return length > 0;
}

/* Why an ASCII name without a final dot is none, or NULL when it is one. */
static const char *name_fault(const char *name, bool underscore)
{
    size_t length = strlen(name);
    if (length == 0)
        return "it is empty";
    if (length > DOMAIN_NAME_MAX)
        return "it is longer than 253 characters";

    const char *label = name;
    for (;;) {
        size_t label_length = strcspn(label, ".");
        const char *fault = label_fault(label, label_length, underscore);
        if (fault != NULL)
            return fault;
        if (label[label_length] == '\0') {
            /* No top-level domain is a number, so that 192.0.2.1 can never be a name. */
            return all_digits(label, label_length) ? "it is an address or ends in a number" : NULL;
        }
        label += label_length + 1;
    }
}

static enum status refuse(struct error *error_r, const char *fault)
{
    return error_set(error_r, STATUS_INVALID, "not a domain name: %s", fault);
}

/* UTS 46, non-transitional: "faß.de" is not "fass.de". Without STD3 rules, because those refuse underscores; what else
 * they refuse, name_fault() does. An A-label that decodes to nonsense is kept: it can be looked up as it is. */
static enum status to_ascii(struct arena *arena, const char *text, char **name_r, struct error *error_r)
{
    char *ascii = NULL;
    int rc = idn2_to_ascii_8z(text, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_NO_ALABEL_ROUNDTRIP);
    if (rc == IDN2_MALLOC) {
        memory_note_failure();
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    }
    if (rc != IDN2_OK)
        return refuse(error_r, idn2_strerror(rc));
    *name_r = arena_text(arena, ascii);
    idn2_free(ascii);
    return STATUS_OK;
}

enum status domain_name_normalize(struct arena *arena, const char *text, size_t length, const char **name_r,
                                  struct error *error_r)
{
    if (length == 0)
        return refuse(error_r, "it is empty");
    if (length > INPUT_MAX)
        return refuse(error_r, "it is longer than 253 characters");
    if (text[0] == '[')
        return refuse(error_r, "addresses in brackets have no set-up of their own");
    if (!text_utf8_valid(text, length) || text_has_control(text, length))
        return refuse(error_r, "it holds invalid UTF-8 or control characters");

    char *name = arena_copy(arena, text, length);
    if (name != NULL && !is_ascii(text, length)) {
        enum status status = to_ascii(arena, name, &name, error_r);
        if (status != STATUS_OK)
            return status;
    }
    if (name == NULL)
        return error_set(error_r, STATUS_LIMIT, "out of memory");

    /* The final dot of the root; cut after the conversion, which knows the other dots of IDNA. */
    size_t name_length = strlen(name);
    if (name_length > 1 && name[name_length - 1] == '.')
        name[name_length - 1] = '\0';
    text_lower(name);

    const char *fault = name_fault(name, true);
    if (fault != NULL)
        return refuse(error_r, fault);
    *name_r = name;
    return STATUS_OK;
}

enum status domain_rule_normalize(struct arena *arena, const char *text, size_t length, const char **name_r,
                                  struct error *error_r)
{
    if (length == 1 && text[0] == '*') {
        *name_r = "*";
        return STATUS_OK;
    }
    if (length < 2 || text[0] != '*' || text[1] != '.')
        return domain_name_normalize(arena, text, length, name_r, error_r);

    const char *suffix = NULL;
    enum status status = domain_name_normalize(arena, text + 2, length - 2, &suffix, error_r);
    if (status != STATUS_OK)
        return status;
    const char *rule = arena_format(arena, "*.%s", suffix);
    if (rule == NULL)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    *name_r = rule;
    return STATUS_OK;
}

bool host_name_legal(const char *host)
{
    struct in6_addr address;
    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return true;
    return name_fault(host, false) == NULL;
}

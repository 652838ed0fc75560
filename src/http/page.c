/* page.c - the page at /, for people who look what answers here. */
/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "base/digest.h"
#include "http/handlers.h"
#include "http/reply.h"

/* Links are relative: a proxy may serve this below a path of its own. */
static const char head[] = "<!DOCTYPE html>\n"
                           "<html lang=\"en\">\n"
                           "<head>\n"
                           "<meta charset=\"utf-8\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                           "<meta name=\"robots\" content=\"noindex\">\n"
                           "<title>Mail account set-up</title>\n"
                           "<style>";
static const char style[] = "body{font:1em/1.5 system-ui,sans-serif;max-width:38em;margin:2em auto;padding:0 1em}"
                            "input,button{font:inherit;padding:.4em .6em;margin:.2em 0}"
                            "input{width:100%;box-sizing:border-box}";
static const char rest[] =
    "</style>\n"
    "</head>\n"
    "<body>\n"
    "<h1>Mail account set-up</h1>\n"
    "<p>This service tells mail programs which servers to use. You need not do anything here: type your address into\n"
    "your mail program, and it finds the settings by itself.</p>\n"
    "<form method=\"get\" action=\"mail/config-v1.1.xml\">\n"
    "<p><label for=\"address\">Your e-mail address</label><br>\n"
    "<input id=\"address\" name=\"emailaddress\" type=\"email\" autocomplete=\"email\" required></p>\n"
    "<p><button>Show the settings (Thunderbird and others)</button>\n"
    "<button formaction=\"mobileconfig\">Download a profile (iPhone, iPad, Mac)</button></p>\n"
    "</form>\n"
    "<p>Answered by automxd " AUTOMXD_VERSION ".</p>\n"
    "</body>\n"
    "</html>\n";

/* No script at all, and only the style above. */
static void write_policy(char *policy, size_t size)
{
    char digest[DIGEST_SHA256_TEXT_SIZE];
    digest_sha256_text(style, strlen(style), digest);
    snprintf(policy, size,
             "default-src 'none'; style-src 'sha256-%s'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
             digest);
}

enum MHD_Result handle_page(struct request *request)
{
    char policy[512];
    struct buf body;
    buf_init(&body, 0);
    buf_adds(&body, head);
    buf_adds(&body, style);
    buf_adds(&body, rest);
    size_t length = body.length;
    struct MHD_Response *response = reply_new(&body, "text/html; charset=utf-8", "public, max-age=300");
    buf_free(&body);
    if (response) {
        write_policy(policy, sizeof policy);
        reply_header(response, "Content-Security-Policy", policy);
        reply_header(response, "Referrer-Policy", "no-referrer");
    }
    return reply_send(request, MHD_HTTP_OK, response, length);
}

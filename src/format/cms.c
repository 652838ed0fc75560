/* cms.c - the module "signer": signs configuration profiles by OpenSSL (DER CMS with the profile inside). */
/* SPDX-License-Identifier: MIT */
#include "format/cms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "base/log.h"
#include "base/module.h"
#include "base/secret.h"

enum { WARNING_DAYS = 14, DAY_SECONDS = 24 * 60 * 60 };

/* Only read once loaded, so threads share it without a lock. */
struct profile_signer {
    EVP_PKEY *key;
    X509 *certificate;
    STACK_OF(X509) * chain;
    char *file;    /* of the certificate, for messages */
    char ends[32]; /* its last day */
};

/* What the library said last; forgets the rest of what it said. */
static const char *reason(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return text != NULL ? text : "no reason given";
}

static enum status open_pem(const char *path, BIO **bio_r, struct error *error_r)
{
    *bio_r = BIO_new_file(path, "r");
    if (*bio_r != NULL)
        return STATUS_OK;
    int code = errno;

    ERR_clear_error();
    return error_set(error_r, STATUS_BACKEND, "%s cannot be read: %s", path, strerror(code));
}

/* Files overlap: a chain often begins with the certificate itself, and a certificate's file ("fullchain.pem") often
 * holds the chain, too. A signature cannot hold one twice. */
static bool is_known(const struct profile_signer *signer, const X509 *certificate)
{
    if (X509_cmp(signer->certificate, certificate) == 0)
        return true;
    for (int i = 0; i < sk_X509_num(signer->chain); i++) {
        if (X509_cmp(sk_X509_value(signer->chain, i), certificate) == 0)
            return true;
    }
    return false;
}

/* A certificate is no secret: without this OpenSSL would ask for the password of an encrypted one on the terminal. */
static int no_password(char *buffer, int size, int writing, void *closure)
{
    return -1;
}

/* Reads every certificate of a file: the first becomes the signer's when there is none yet, the others its chain. */
static enum status read_certificates(struct profile_signer *signer, const char *path, struct error *error_r)
{
    BIO *bio;
    X509 *certificate;
    size_t count = 0;
    enum status status = open_pem(path, &bio, error_r);

    if (status != STATUS_OK)
        return status;
    while (status == STATUS_OK && (certificate = PEM_read_bio_X509(bio, NULL, no_password, NULL)) != NULL) {
        count++;
        if (signer->certificate == NULL) {
            signer->certificate = certificate;
        } else if (is_known(signer, certificate)) {
            X509_free(certificate);
        } else if (sk_X509_push(signer->chain, certificate) <= 0) {
            X509_free(certificate);
            status = error_set(error_r, STATUS_LIMIT, "out of memory");
        }
    }
    if (status == STATUS_OK && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
        status = error_set(error_r, STATUS_INVALID, "%s: certificate %zu is damaged: %s", path, count + 1, reason());
    else if (status == STATUS_OK && count == 0)
        status = error_set(error_r, STATUS_INVALID, "%s holds no PEM certificate (-----BEGIN CERTIFICATE-----)", path);
    ERR_clear_error();
    BIO_free(bio);
    return status;
}

struct password {
    const char *text; /* or NULL */
    bool asked;
};

/* Takes the place of the library's own question on the terminal. */
static int give_password(char *buffer, int size, int writing, void *context)
{
    struct password *password = context;
    size_t length = password->text != NULL ? strlen(password->text) : 0;

    password->asked = true;
    if (password->text == NULL || length > (size_t)size)
        return -1;
    memcpy(buffer, password->text, length);
    return (int)length;
}

static enum status read_key(struct profile_signer *signer, const struct settings *settings, struct error *error_r)
{
    const char *path = settings->profile_key;
    struct password password = {0};
    struct arena *arena = NULL;
    BIO *bio = NULL;
    enum status status = secret_check_mode(path, error_r);

    if (status == STATUS_OK && settings->profile_key_password_file != NULL) {
        arena = arena_new(64 * 1024);
        status = arena == NULL ? error_set(error_r, STATUS_LIMIT, "out of memory")
                               : secret_read(arena, settings->profile_key_password_file, &password.text, error_r);
    }
    if (status == STATUS_OK)
        status = open_pem(path, &bio, error_r);
    if (status != STATUS_OK)
        goto out;

    signer->key = PEM_read_bio_PrivateKey(bio, NULL, give_password, &password);
    if (signer->key == NULL && password.asked && password.text == NULL)
        status = error_set(error_r, STATUS_INVALID,
                           "%s is encrypted; write its password to a file and set profile_key_password_file", path);
    else if (signer->key == NULL && password.asked)
        status = error_set(error_r, STATUS_INVALID, "%s cannot be decrypted; is the password in %s the right one?",
                           path, settings->profile_key_password_file);
    else if (signer->key == NULL)
        status = error_set(error_r, STATUS_INVALID, "%s holds no usable PEM private key: %s", path, reason());
    /* Apple documents neither Ed25519 nor anything else here. */
    else if (!EVP_PKEY_is_a(signer->key, "RSA") && !EVP_PKEY_is_a(signer->key, "EC"))
        status = error_set(error_r, STATUS_INVALID, "%s is a key of type %s; profiles are signed with RSA or EC", path,
                           EVP_PKEY_get0_type_name(signer->key));
out:
    ERR_clear_error();
    BIO_free(bio);
    arena_free(&arena);
    return status;
}

/* A file that cannot be read is a fault of the configuration which names it: nothing mends it but a person. */
static enum status named_by(const char *setting, enum status status, struct error *error_r)
{
    if (status == STATUS_OK)
        return STATUS_OK;
    error_prefix(error_r, "%s: ", setting);
    return status == STATUS_BACKEND ? STATUS_INVALID : status;
}

static enum status read_files(struct profile_signer *signer, const struct settings *settings, struct error *error_r)
{
    struct tm ends;
    enum status status =
        named_by("profile_certificate", read_certificates(signer, settings->profile_certificate, error_r), error_r);

    if (status == STATUS_OK && settings->profile_chain != NULL)
        status = named_by("profile_chain", read_certificates(signer, settings->profile_chain, error_r), error_r);
    if (status == STATUS_OK)
        status = named_by("profile_key", read_key(signer, settings, error_r), error_r);
    if (status != STATUS_OK)
        return status;
    if (X509_check_private_key(signer->certificate, signer->key) != 1) {
        ERR_clear_error();
        return error_set(error_r, STATUS_INVALID, "%s is not the key of the first certificate in %s",
                         settings->profile_key, settings->profile_certificate);
    }
    if (ASN1_TIME_to_tm(X509_get0_notAfter(signer->certificate), &ends) != 1 ||
        strftime(signer->ends, sizeof signer->ends, "%Y-%m-%d", &ends) == 0)
        return error_set(error_r, STATUS_INVALID, "%s: the date on which the certificate ends cannot be read",
                         settings->profile_certificate);
    return STATUS_OK;
}

/* Says once that the certificate ends soon, and is no success when it has ended or not begun. */
static enum status check_dates(const struct profile_signer *signer, struct error *error_r)
{
    time_t soon = time(NULL) + (time_t)WARNING_DAYS * DAY_SECONDS;

    if (X509_cmp_current_time(X509_get0_notBefore(signer->certificate)) > 0) {
        log_warning_once("%s: the certificate is not valid yet; profiles are refused until then", signer->file);
        return error_set(error_r, STATUS_BACKEND,
                         "The profile cannot be signed now: the certificate of this service is not valid yet.");
    }
    if (X509_cmp_current_time(X509_get0_notAfter(signer->certificate)) < 0) {
        log_warning_once("%s: the certificate ended on %s; profiles are refused until it is renewed and automxd "
                         "reloaded (SIGHUP)",
                         signer->file, signer->ends);
        return error_set(error_r, STATUS_BACKEND,
                         "The profile cannot be signed now: the certificate of this service ended on %s.",
                         signer->ends);
    }
    if (X509_cmp_time(X509_get0_notAfter(signer->certificate), &soon) < 0)
        log_warning_once("%s: the certificate ends on %s; renew it and reload automxd (SIGHUP), or profiles will be "
                         "refused",
                         signer->file, signer->ends);
    return STATUS_OK;
}

/* The usual signed attributes are kept, as every tool for profiles writes them, so the signing time makes each result
 * differ; only the profile inside is the same each time. Capabilities for encrypted mail would mean nothing here. */
static enum status sign(const struct profile_signer *signer, const struct buf *document, struct buf *out,
                        struct error *error_r)
{
    enum status status = STATUS_OK;
    unsigned char *der = NULL;
    int length = -1;
    ERR_clear_error();
    BIO *content = BIO_new_mem_buf(document->data, (int)document->length);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, signer->chain, NULL, CMS_PARTIAL | CMS_BINARY);

    if (content != NULL && cms != NULL &&
        CMS_add1_signer(cms, signer->certificate, signer->key, EVP_sha256(), CMS_BINARY | CMS_NOSMIMECAP) != NULL &&
        CMS_final(cms, content, NULL, CMS_BINARY) == 1)
        length = i2d_CMS_ContentInfo(cms, &der);
    /* OpenSSL may note that it got no memory for a part, and go on without. */
    if (length > 0 && ERR_peek_error() == 0)
        buf_add(out, der, (size_t)length);
    else
        status = error_set(error_r, STATUS_BACKEND, "The profile cannot be signed: %s.", reason());
    if (status == STATUS_OK && buf_failed(out))
        status = error_set(error_r, STATUS_LIMIT, "The profile could not be made: out of memory.");

    OPENSSL_free(der);
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    return status;
}

/* One signature is made and verified before the first one is sent. */
static enum status try_out(const struct profile_signer *signer, struct error *error_r)
{
    static const char sample[] = "automxd";
    char read_back[sizeof sample];
    struct buf document, signed_document;
    BIO *input = NULL, *content = NULL;
    CMS_ContentInfo *cms = NULL;

    buf_init(&document, 0);
    buf_init(&signed_document, 0);
    buf_add(&document, sample, sizeof sample);
    enum status status = sign(signer, &document, &signed_document, error_r);
    if (status != STATUS_OK)
        goto out;

    input = BIO_new_mem_buf(signed_document.data, (int)signed_document.length);
    content = BIO_new(BIO_s_mem());
    cms = input != NULL ? d2i_CMS_bio(input, NULL) : NULL;
    /* Who issued the certificate is for the device to judge. */
    if (content == NULL || cms == NULL ||
        CMS_verify(cms, NULL, NULL, NULL, content, CMS_NO_SIGNER_CERT_VERIFY | CMS_BINARY) != 1 ||
        BIO_read(content, read_back, sizeof read_back) != (int)sizeof sample ||
        memcmp(read_back, sample, sizeof sample) != 0)
        status = error_set(error_r, STATUS_INVALID, "%s: a signature made for a test does not verify: %s", signer->file,
                           reason());
out:
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    BIO_free(input);
    buf_free(&signed_document);
    buf_free(&document);
    return status;
}

static void free_signer(struct profile_signer **signer)
{
    EVP_PKEY_free((*signer)->key);
    X509_free((*signer)->certificate);
    sk_X509_pop_free((*signer)->chain, X509_free);
    free((*signer)->file);
    free(*signer);
    *signer = NULL;
}

static enum status load_signer(const struct settings *settings, struct profile_signer **signer_r, struct error *error_r)
{
    struct profile_signer *signer = calloc(1, sizeof *signer);

    *signer_r = NULL;
    if (signer == NULL)
        return error_set(error_r, STATUS_LIMIT, "out of memory");
    signer->chain = sk_X509_new_null();
    signer->file = strdup(settings->profile_certificate);
    enum status status = STATUS_OK;
    if (signer->chain == NULL || signer->file == NULL)
        status = error_set(error_r, STATUS_LIMIT, "out of memory");
    if (status == STATUS_OK)
        status = read_files(signer, settings, error_r);
    if (status == STATUS_OK)
        status = try_out(signer, error_r);
    if (status != STATUS_OK) {
        free_signer(&signer);
        return status;
    }
    /* An ended certificate stops no daemon: everything but profiles can be answered. */
    check_dates(signer, NULL);
    *signer_r = signer;
    return STATUS_OK;
}

static enum status sign_document(const struct profile_signer *signer, const struct buf *document, struct buf *out,
                                 struct error *error_r)
{
    enum status status = check_dates(signer, error_r);

    return status == STATUS_OK ? sign(signer, document, out, error_r) : status;
}

static const struct cms_calls calls = {
    .load = load_signer,
    .free = free_signer,
    .sign = sign_document,
};

const struct module_export automxd_module = {AUTOMXD_VERSION, &calls};

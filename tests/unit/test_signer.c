/* test_signer.c - signed profiles: keys and certificates from files, signatures that verify, and those that must not.
 */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <openssl/cms.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/log.h"
#include "format/signer.h"

enum { DAY = 24 * 60 * 60 };

/* A directory with keys and certificates: "ca", and signed by it "rsa", "ec", "old", "soon" and "early"; "full.crt"
 * holds "rsa" and the CA in one file. */
static char directory[] = "/tmp/automxd-signer-XXXXXX";
static X509 *ca;
static EVP_PKEY *ca_key;

static const char *in_directory(const char *name)
{
    static char paths[8][128];
    static size_t next;
    char *path = paths[next++ % ROWS(paths)];

    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static X509 *make_certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key, long starts,
                              long ends)
{
    static long serial = 1;
    X509 *certificate = X509_new();
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_EXTENSION *basic =
        X509V3_EXT_conf_nid(NULL, NULL, NID_basic_constraints, issuer == NULL ? "critical,CA:TRUE" : "CA:FALSE");

    X509_set_version(certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(certificate), starts);
    X509_gmtime_adj(X509_getm_notAfter(certificate), ends);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer) : subject);
    X509_add_ext(certificate, basic, -1);
    X509_EXTENSION_free(basic);
    assert_true(X509_sign(certificate, issuer_key != NULL ? issuer_key : key, EVP_sha256()) > 0);
    return certificate;
}

static void write_certificates(const char *name, X509 *first, X509 *second)
{
    FILE *file = fopen(in_directory(name), "w");

    assert_non_null(file);
    PEM_write_X509(file, first);
    if (second != NULL)
        PEM_write_X509(file, second);
    fclose(file);
}

static void write_key(const char *name, EVP_PKEY *key, mode_t mode, const char *password)
{
    FILE *file = fopen(in_directory(name), "w");

    assert_non_null(file);
    PEM_write_PKCS8PrivateKey(file, key, password != NULL ? EVP_aes_256_cbc() : NULL, password,
                              password != NULL ? (int)strlen(password) : 0, NULL, NULL);
    fclose(file);
    assert_int_equal(chmod(in_directory(name), mode), 0);
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(in_directory(name), "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    assert_int_equal(chmod(in_directory(name), 0600), 0);
}

static int set_up(void **state)
{
    EVP_PKEY *rsa = EVP_RSA_gen(2048), *ec = EVP_EC_gen("P-256"), *ed = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    X509 *certificate;

    assert_non_null(mkdtemp(directory));
    ca_key = EVP_EC_gen("P-256");
    ca = make_certificate("Test CA", ca_key, NULL, NULL, -DAY, 365 * DAY);
    write_certificates("ca.crt", ca, NULL);

    write_key("rsa.key", rsa, 0600, NULL);
    write_key("open.key", rsa, 0644, NULL);
    write_key("locked.key", rsa, 0600, "secret words");
    write_text("password", "secret words\n");
    write_text("wrong", "other words\n");
    certificate = make_certificate("rsa.example.test", rsa, ca, ca_key, -DAY, 90 * DAY);
    write_certificates("rsa.crt", certificate, NULL);
    write_certificates("full.crt", certificate, ca);
    X509_free(certificate);
    certificate = make_certificate("old.example.test", rsa, ca, ca_key, -90 * DAY, -DAY);
    write_certificates("old.crt", certificate, NULL);
    X509_free(certificate);
    certificate = make_certificate("soon.example.test", rsa, ca, ca_key, -90 * DAY, 13 * DAY);
    write_certificates("soon.crt", certificate, NULL);
    X509_free(certificate);
    certificate = make_certificate("early.example.test", rsa, ca, ca_key, DAY, 90 * DAY);
    write_certificates("early.crt", certificate, NULL);
    X509_free(certificate);

    write_key("ec.key", ec, 0600, NULL);
    certificate = make_certificate("ec.example.test", ec, ca, ca_key, -DAY, 90 * DAY);
    write_certificates("ec.crt", certificate, NULL);
    X509_free(certificate);

    /* No certificate is needed for a key that is refused for its type. */
    write_key("ed.key", ed, 0600, NULL);
    write_text("empty", "no certificate\n");
    write_text("locked.crt", "-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n"
                             "DEK-Info: AES-128-CBC,00112233445566778899AABBCCDDEEFF\n\nMIIB\n"
                             "-----END CERTIFICATE-----\n");
    write_text("broken.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
    EVP_PKEY_free(ed);
    EVP_PKEY_free(ec);
    EVP_PKEY_free(rsa);
    return 0;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"ca.crt",  "rsa.key",  "open.key", "locked.key", "password",  "wrong",
                                        "rsa.crt", "full.crt", "old.crt",  "soon.crt",   "early.crt", "ec.key",
                                        "ec.crt",  "ed.key",   "empty",    "broken.crt", "locked.crt"};

    for (size_t i = 0; i < ROWS(names); i++)
        unlink(in_directory(names[i]));
    X509_free(ca);
    EVP_PKEY_free(ca_key);
    return rmdir(directory);
}

/* As openssl cms -verify does, with the test's CA trusted. Counts the certificates that came along. */
static bool verifies(const unsigned char *der, size_t length, const char *want, int *certificates_r)
{
    X509_STORE *store = X509_STORE_new();
    BIO *content = BIO_new(BIO_s_mem());
    CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &der, (long)length);
    char *data;

    X509_STORE_add_cert(store, ca);
    X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
    bool good = cms != NULL && CMS_verify(cms, NULL, store, NULL, content, CMS_BINARY) == 1;
    if (good) {
        long size = BIO_get_mem_data(content, &data);
        STACK_OF(X509) *certificates = CMS_get1_certs(cms);

        *certificates_r = sk_X509_num(certificates);
        good = size == (long)strlen(want) && memcmp(data, want, strlen(want)) == 0;
        sk_X509_pop_free(certificates, X509_free);
    }
    CMS_ContentInfo_free(cms);
    BIO_free(content);
    X509_STORE_free(store);
    return good;
}

static void signatures_verify_until_a_byte_changes(void **state)
{
    static const struct {
        const char *certificate, *key, *chain, *password;
        int certificates; /* in the result */
    } rows[] = {
        {"rsa.crt", "rsa.key", NULL, NULL, 1},   {"rsa.crt", "rsa.key", "ca.crt", NULL, 2},
        {"full.crt", "rsa.key", NULL, NULL, 2},  {"rsa.crt", "rsa.key", "full.crt", NULL, 2},
        {"ec.crt", "ec.key", "ca.crt", NULL, 2}, {"rsa.crt", "locked.key", NULL, "password", 1},
        {"soon.crt", "rsa.key", NULL, NULL, 1},
    };
    static const char profile[] = "<?xml version=\"1.0\"?>\n<plist>\n\r\n\t\xc3\xa9</plist>\n";

    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct settings settings = {
            .profile_certificate = in_directory(rows[i].certificate),
            .profile_key = in_directory(rows[i].key),
            .profile_chain = rows[i].chain != NULL ? in_directory(rows[i].chain) : NULL,
            .profile_key_password_file = rows[i].password != NULL ? in_directory(rows[i].password) : NULL,
        };
        struct profile_signer *signer;
        struct error error = {{0}};
        struct buf document, out;
        int certificates = 0;

        if (profile_signer_load(&settings, &signer, &error) != STATUS_OK)
            fail_msg("row %zu: %s", i, error.text);
        buf_init(&document, 0);
        buf_init(&out, 0);
        buf_adds(&document, profile);
        assert_int_equal(profile_signer_sign(signer, &document, &out, &error), STATUS_OK);
        if (!verifies((const unsigned char *)out.data, out.length, profile, &certificates))
            fail_msg("row %zu: does not verify", i);
        check_number(i, certificates, rows[i].certificates);

        char *inside = memmem(out.data, out.length, "<plist>", 7);
        assert_non_null(inside); /* the profile is attached, as it was */
        inside[1] ^= 1;
        assert_false(verifies((const unsigned char *)out.data, out.length, profile, &certificates));
        inside[1] ^= 1;
        out.data[out.length - 8] ^= 1; /* in the signature's own bytes */
        assert_false(verifies((const unsigned char *)out.data, out.length, profile, &certificates));
        buf_free(&out);
        buf_free(&document);
        profile_signer_free(&signer);
        assert_null(signer);
    }
}

static void what_cannot_work_is_refused(void **state)
{
    static const struct {
        const char *certificate, *key, *chain, *password;
        enum status status;
        const char *part;
    } rows[] = {
        {"rsa.crt", "open.key", NULL, NULL, STATUS_REFUSED, "chmod"},
        {"rsa.crt", "ec.key", NULL, NULL, STATUS_INVALID, "is not the key of the first certificate"},
        {"rsa.crt", "ed.key", NULL, NULL, STATUS_INVALID, "ED25519"},
        {"rsa.crt", "locked.key", NULL, NULL, STATUS_INVALID, "profile_key_password_file"},
        {"rsa.crt", "locked.key", NULL, "wrong", STATUS_INVALID, "cannot be decrypted"},
        {"rsa.crt", "empty", NULL, NULL, STATUS_INVALID, "no usable PEM private key"},
        {"rsa.crt", NULL, NULL, NULL, STATUS_INVALID, "profile_key is not"},
        {NULL, "rsa.key", NULL, NULL, STATUS_INVALID, "profile_certificate is not"},
        {NULL, NULL, "ca.crt", NULL, STATUS_INVALID, "profile_chain is set"},
        {"empty", "rsa.key", NULL, NULL, STATUS_INVALID, "holds no PEM certificate"},
        {"broken.crt", "rsa.key", NULL, NULL, STATUS_INVALID, "certificate 1 is damaged"},
        {"rsa.crt", "rsa.key", "broken.crt", NULL, STATUS_INVALID, "damaged"},
        /* nobody is asked for its password */
        {"locked.crt", "rsa.key", NULL, NULL, STATUS_INVALID, "certificate 1 is damaged: bad password read"},
        {"absent", "rsa.key", NULL, NULL, STATUS_INVALID, "cannot be read: No such file"},
        {"rsa.crt", "absent", NULL, NULL, STATUS_INVALID, "profile_key: "},
        {"rsa.crt", "locked.key", NULL, "absent", STATUS_INVALID, "profile_key: "},
    };

    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct settings settings = {
            .profile_certificate = rows[i].certificate != NULL ? in_directory(rows[i].certificate) : NULL,
            .profile_key = rows[i].key != NULL ? in_directory(rows[i].key) : NULL,
            .profile_chain = rows[i].chain != NULL ? in_directory(rows[i].chain) : NULL,
            .profile_key_password_file = rows[i].password != NULL ? in_directory(rows[i].password) : NULL,
        };
        struct profile_signer *signer;
        struct error error = {{0}};

        check_number(i, profile_signer_load(&settings, &signer, &error), rows[i].status);
        check_part(i, error.text, rows[i].part);
        assert_null(signer);
        assert_null(strstr(error.text, "other words"));
    }
}

static void without_settings_nothing_is_signed(void **state)
{
    const struct settings settings = {0};
    struct profile_signer *signer;

    assert_int_equal(profile_signer_load(&settings, &signer, NULL), STATUS_OK);
    assert_null(signer);
    profile_signer_free(&signer);
}

/* The daemon starts all the same, but a profile is never sent unsigned. */
static void outside_its_dates_a_certificate_signs_nothing(void **state)
{
    static const struct {
        const char *certificate, *part;
    } rows[] = {{"old.crt", "ended on 2"}, {"early.crt", "not valid yet"}};

    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct settings settings = {.profile_certificate = in_directory(rows[i].certificate),
                                          .profile_key = in_directory("rsa.key")};
        struct profile_signer *signer;
        struct error error = {{0}};
        struct buf document, out;

        check_number(i, profile_signer_load(&settings, &signer, &error), STATUS_OK);
        buf_init(&document, 0);
        buf_init(&out, 0);
        buf_adds(&document, "profile");
        check_number(i, profile_signer_sign(signer, &document, &out, &error), STATUS_BACKEND);
        check_part(i, error.text, rows[i].part);
        assert_null(strstr(error.text, directory)); /* the sentence is sent to strangers */
        check_number(i, out.length, 0);
        buf_free(&out);
        buf_free(&document);
        profile_signer_free(&signer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_verify_until_a_byte_changes),
        cmocka_unit_test(what_cannot_work_is_refused),
        cmocka_unit_test(without_settings_nothing_is_signed),
        cmocka_unit_test(outside_its_dates_a_certificate_signs_nothing),
    };
    log_open("test");
    log_set_level(LOG_LEVEL_CRITICAL);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

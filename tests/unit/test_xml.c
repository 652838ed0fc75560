/* test_xml.c - base/xml.h and base/plist.h. */
/* SPDX-License-Identifier: MIT */
#include "check.h"

#include "base/plist.h"
#include "base/xml.h"

#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void a_document_is_indented(void **state)
{
    struct buf out;
    struct xml xml;
    buf_init(&out, 0);
    xml_begin(&xml, &out);
    xml_doctype(&xml, "a SYSTEM \"x\"");
    xml_open(&xml, "a");
    xml_attribute(&xml, "version", "1.1");
    xml_attribute(&xml, "left-out", NULL);
    xml_open(&xml, "b");
    xml_element(&xml, "c", "text");
    xml_element(&xml, "c", "");
    xml_element(&xml, "c", NULL);
    xml_element_number(&xml, "n", 42);
    xml_empty(&xml, "e");
    xml_open(&xml, "d");
    xml_attribute(&xml, "lang", "en");
    xml_text(&xml, "one");
    xml_text(&xml, " two");
    xml_close(&xml);
    xml_close(&xml);
    xml_open(&xml, "nothing");
    xml_close(&xml);
    xml_open(&xml, "f");
    xml_open(&xml, "g");
    xml_end(&xml);
    assert_false(buf_failed(&out));
    assert_string_equal(out.data, DECLARATION "<!DOCTYPE a SYSTEM \"x\">\n"
                                              "<a version=\"1.1\">\n"
                                              "  <b>\n"
                                              "    <c>text</c>\n"
                                              "    <n>42</n>\n"
                                              "    <e/>\n"
                                              "    <d lang=\"en\">one two</d>\n"
                                              "  </b>\n"
                                              "  <nothing></nothing>\n"
                                              "  <f>\n"
                                              "    <g></g>\n"
                                              "  </f>\n"
                                              "</a>\n");
    buf_free(&out);
}

static void text_is_escaped(void **state)
{
    static const struct {
        const char *text, *want, *attribute;
    } rows[] = {
        {"a&b<c>d\"e'f", "a&amp;b&lt;c&gt;d&quot;e&apos;f", NULL},
        {"]]>", "]]&gt;", NULL},
        {"&amp;", "&amp;amp;", NULL},
        {"<script>", "&lt;script&gt;", NULL},
        {"x\ty\nz", "x\ty\nz", "x&#9;y&#10;z"},
        {"x\ry", "x&#13;y", NULL},
        {"\x01\x08\x0b\x1fz", "\uFFFD\uFFFD\uFFFD\uFFFDz", NULL},
        {"\x7f", "\x7f", NULL}, /* XML 1.0 allows it */
        {"\uFFFE\uFFFF\uFFFD", "\uFFFD\uFFFD\uFFFD", NULL},
        {"M\xfcller", "M\uFFFDller", NULL},
        {"\xed\xa0\x80", "\uFFFD\uFFFD\uFFFD", NULL},
        {"\u00fc\U0001f600", "\u00fc\U0001f600", NULL},
        {"cut \xe2\x82", "cut \uFFFD\uFFFD", NULL},
    };
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf out;
        struct xml xml;
        char want[256];
        buf_init(&out, 0);
        xml_begin(&xml, &out);
        xml_element(&xml, "t", rows[i].text);
        xml_open(&xml, "t");
        xml_attribute(&xml, "a", rows[i].text);
        xml_text(&xml, rows[i].text);
        xml_end(&xml);
        snprintf(want, sizeof want, DECLARATION "<t>%s</t>\n<t a=\"%s\">%s</t>\n", rows[i].want,
                 rows[i].attribute ? rows[i].attribute : rows[i].want, rows[i].want);
        check_text(i, out.data, want);
        check_number(i, buf_failed(&out), false);
        buf_free(&out);
    }
}

static void close_too_much(struct xml *xml)
{
    xml_close(xml);
    xml_close(xml);
}

static void open_too_deep(struct xml *xml)
{
    for (int i = 0; i < XML_DEPTH_MAX; i++)
        xml_open(xml, "deep");
}

static void attribute_after_child(struct xml *xml)
{
    xml_element(xml, "c", "x");
    xml_attribute(xml, "a", "x");
}

static void text_beside_element(struct xml *xml)
{
    xml_element(xml, "c", "x");
    xml_text(xml, "x");
}

static void element_beside_text(struct xml *xml)
{
    xml_text(xml, "x");
    xml_empty(xml, "c");
}

static void misuse_fails(void **state)
{
    static void (*const rows[])(struct xml *) = {close_too_much, open_too_deep, attribute_after_child,
                                                 text_beside_element, element_beside_text};
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct buf out;
        struct xml xml;
        buf_init(&out, 0);
        xml_begin(&xml, &out);
        xml_open(&xml, "root");
        check_number(i, buf_failed(&out), false);
        rows[i](&xml);
        check_number(i, buf_failed(&out), true);
        xml_end(&xml);
        buf_free(&out);
    }
}

static void a_property_list_has_apples_form(void **state)
{
    struct buf out;
    struct plist plist;
    buf_init(&out, 0);
    plist_begin(&plist, &out);
    plist_string(&plist, "Name", "Ham & Eggs");
    plist_string(&plist, "Absent", NULL);
    plist_string(&plist, "Empty", "");
    plist_integer(&plist, "Port", 993);
    plist_integer(&plist, "Minus", -1);
    plist_array_open(&plist, "List");
    plist_dict_open(&plist, NULL);
    plist_bool(&plist, "On", true);
    plist_bool(&plist, "Off", false);
    plist_close(&plist);
    plist_string(&plist, NULL, "bare");
    plist_close(&plist);
    plist_array_open(&plist, "Nothing");
    plist_end(&plist);
    assert_false(buf_failed(&out));
    assert_string_equal(out.data, DECLARATION "<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "
                                              "\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
                                              "<plist version=\"1.0\">\n"
                                              "  <dict>\n"
                                              "    <key>Name</key>\n"
                                              "    <string>Ham &amp; Eggs</string>\n"
                                              "    <key>Empty</key>\n"
                                              "    <string></string>\n"
                                              "    <key>Port</key>\n"
                                              "    <integer>993</integer>\n"
                                              "    <key>Minus</key>\n"
                                              "    <integer>-1</integer>\n"
                                              "    <key>List</key>\n"
                                              "    <array>\n"
                                              "      <dict>\n"
                                              "        <key>On</key>\n"
                                              "        <true/>\n"
                                              "        <key>Off</key>\n"
                                              "        <false/>\n"
                                              "      </dict>\n"
                                              "      <string>bare</string>\n"
                                              "    </array>\n"
                                              "    <key>Nothing</key>\n"
                                              "    <array></array>\n"
                                              "  </dict>\n"
                                              "</plist>\n");
    buf_free(&out);
}

static void a_key_belongs_to_a_dict_only(void **state)
{
    struct buf out;
    struct plist plist;
    buf_init(&out, 0);
    plist_begin(&plist, &out);
    plist_bool(&plist, NULL, true);
    assert_true(buf_failed(&out));
    buf_clear(&out);
    plist_begin(&plist, &out);
    plist_array_open(&plist, "List");
    plist_string(&plist, "Key", "x");
    assert_true(buf_failed(&out));
    plist_end(&plist);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_indented),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(misuse_fails),
        cmocka_unit_test(a_property_list_has_apples_form),
        cmocka_unit_test(a_key_belongs_to_a_dict_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

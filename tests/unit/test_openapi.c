// SPDX-License-Identifier: MIT
// YAML to JSON, as far as our own description needs it.
#include "http/openapi.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h> // after the above, as it asks

static void expect(const char *yaml, const char *json) {
    char error[160] = "";
    json_t *document = NULL;
    if (openapi_read(yaml, strlen(yaml), &document, error, sizeof(error)) != 0)
        fail_msg("%s", error);
    char *text = json_dumps(document, JSON_COMPACT | JSON_ENCODE_ANY);
    assert_string_equal(text, json);
    free(text);
    json_decref(document);
}

static void expect_fault(const char *yaml, const char *says) {
    char error[160] = "";
    json_t *document = NULL;
    assert_int_equal(openapi_read(yaml, strlen(yaml), &document, error, sizeof(error)), -EINVAL);
    assert_null(document);
    if (!strstr(error, says))
        fail_msg("%s", error);
}

static void test_blocks_and_flows_nest(void **state) {
    expect("a:\n  b: [1, {c: d}]\n  e:\n    - f\n    - g: h\n",
           "{\"a\":{\"b\":[1,{\"c\":\"d\"}],\"e\":[\"f\",{\"g\":\"h\"}]}}");
    expect("{}", "{}");
    expect("[]", "[]");
    expect("/rooms/{room}:\n  get: {}\n", "{\"/rooms/{room}\":{\"get\":{}}}");
}

static void test_plain_scalars_have_types_and_quoted_ones_have_none(void **state) {
    expect("[null, ~, true, false, 0, -12, 1.5, -0.25, 1.0]",
           "[null,null,true,false,0,-12,1.5,-0.25,1.0]");
    expect("[\"null\", 'true', \"200\", '']", "[\"null\",\"true\",\"200\",\"\"]");
    expect("[3.1.0, 1., 1e3, -, 12a, yes, False]",
           "[\"3.1.0\",1.0,\"1e3\",\"-\",\"12a\",\"yes\",\"False\"]");
    expect("a: |\n  one\n  two\nb: >-\n  three\n  four\n",
           "{\"a\":\"one\\ntwo\\n\",\"b\":\"three four\"}");
    expect("\"200\": 1\n", "{\"200\":1}");
}

static void test_what_is_not_understood_is_refused_with_its_line(void **state) {
    expect_fault("", "empty");
    expect_fault("a: 1\na: 2\n", "twice");
    expect_fault("a: &x 1\nb: *x\n", "alias");
    expect_fault("a: [1\n", "line");
    expect_fault("? {a: 1}\n: 2\n", "no text");
    expect_fault("a\n---\nb\n", "more than one");
    char deep[201];
    memset(deep, '[', 200);
    deep[200] = '\0';
    expect_fault(deep, "too deep");
    char key[402];
    memset(key, 'k', 400);
    strcpy(key + 400, ":");
    expect_fault(key, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_and_flows_nest),
        cmocka_unit_test(test_plain_scalars_have_types_and_quoted_ones_have_none),
        cmocka_unit_test(test_what_is_not_understood_is_refused_with_its_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

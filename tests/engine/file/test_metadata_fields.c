/* Objects by tables of keys: strict JSON, and keys and types that are refused by their path. */
#include "engine/file/described.h"
#include "test.h"

TEST(metadata_must_be_one_strict_json_object)
{
    described_bad("", "grud", "cannot be read");
    described_bad("[]", "grud", "'grud' must be an object, not an array");
    described_bad("{", "grud", "cannot be read");
    described_bad("{}x", "grud", "cannot be read");
    described_bad("{\"steps\":1,}", "grud", "cannot be read");
    described_bad("{\"steps\":NaN}", "grud", "cannot be read");
    described_bad("{\"steps\":01}", "grud", "cannot be read");
}

TEST(unknown_keys_are_refused_by_name)
{
    described_bad("{\"stepz\":1}", "grud.stepz", "unknown key 'grud.stepz'");
    described_bad("{\"inputs\":[{\"name\":\"a\"},{\"nam\":\"b\"}]}", "grud.inputs[1].nam",
                  "unknown key");
    described_bad("{\"inputs\":[{\"feeds\":\"a\"}]}", "grud.inputs[0].feeds", "unknown key");
    described_bad("{\"selftest\":{\"z\":[]}}", "grud.selftest.z", "unknown key");
}

TEST(duplicate_keys_are_refused_by_name)
{
    described_bad("{\"steps\":1,\"steps\":1}", "grud.steps", "twice");
    described_bad("{\"steps\":1,\"\\u0073teps\":1}", "grud.steps", "twice");
    described_bad("{\"outputs\":[{\"std\":1,\"mean\":0,\"std\":1}]}", "grud.outputs[0].std",
                  "twice");
    described_bad("{\"selftest\":{\"x\":[],\"x\":[]}}", "grud.selftest.x", "twice");
}

TEST(values_of_the_wrong_type_are_refused_by_name)
{
    described_bad("{\"cell\":1}", "grud.cell", "must be a string, not a number");
    described_bad("{\"reset\":null}", "grud.reset", "must be a string, not null");
    described_bad("{\"order\":\"gru\"}", "grud.order", "must be an array, not a string");
    described_bad("{\"order\":[1]}", "grud.order[0]", "must be a string, not a number");
    described_bad("{\"inputs\":{}}", "grud.inputs", "must be an array, not an object");
    described_bad("{\"inputs\":[1]}", "grud.inputs[0]", "must be an object, not a number");
    described_bad("{\"inputs\":[{\"name\":1}]}", "grud.inputs[0].name", "must be a string");
    described_bad("{\"inputs\":[{\"unit\":1}]}", "grud.inputs[0].unit", "must be a string");
    described_bad("{\"inputs\":[{\"mean\":\"1\"}]}", "grud.inputs[0].mean", "must be a number");
    described_bad("{\"outputs\":[{\"std\":true}]}", "grud.outputs[0].std",
                  "must be a number, not a boolean");
    described_bad("{\"outputs\":[{\"feeds\":0}]}", "grud.outputs[0].feeds",
                  "must be a string, not a number");
    described_bad("{\"residual\":1}", "grud.residual", "must be a boolean, not a number");
    described_bad("{\"steps\":\"1\"}", "grud.steps", "must be a number, not a string");
    described_bad("{\"interval_seconds\":\"1\"}", "grud.interval_seconds", "must be a number");
    described_bad("{\"selftest\":[]}", "grud.selftest", "must be an object");
    described_bad("{\"selftest\":{\"x\":1}}", "grud.selftest.x", "must be an array");
    described_bad("{\"selftest\":{\"x\":[1]}}", "grud.selftest.x[0]", "must be an array");
    described_bad("{\"selftest\":{\"x\":[[\"1\"]]}}", "grud", "cannot be read");
}

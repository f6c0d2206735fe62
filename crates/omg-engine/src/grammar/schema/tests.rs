use serde_json::{Value, json};

use crate::grammar::following::Follower;

struct Case {
    schema: Value,
    right: &'static [&'static str],
    wrong: &'static [&'static str],
}

fn case(schema: Value, right: &'static [&'static str], wrong: &'static [&'static str]) -> Case {
    Case {
        schema,
        right,
        wrong,
    }
}

fn hold(strict: bool, cases: impl IntoIterator<Item = Case>) {
    let follower = Follower::new();
    for Case {
        schema,
        right,
        wrong,
    } in cases
    {
        for text in right {
            assert!(
                follower.allows(&schema, strict, text),
                "{text} for {schema}"
            );
        }
        for text in wrong {
            assert!(
                !follower.allows(&schema, strict, text),
                "{text} for {schema}"
            );
        }
    }
}

fn refused(cases: impl IntoIterator<Item = (bool, Value, &'static str)>) {
    let follower = Follower::new();
    for (strict, schema, said) in cases {
        let message = follower.refusal(&schema, strict);
        assert!(message.contains(said), "{message} for {schema}");
        assert!(message.len() < 500 && !message.contains('\n'), "{message}");
    }
}

#[test]
fn long_integers_keep_every_digit() {
    let big = 1_234_567_890_123_456_789u64;
    hold(
        true,
        [
            case(
                json!({ "const": big }),
                &["1234567890123456789"],
                &[
                    "1234567890123456768",
                    "1234567890123456788",
                    "1.2345678901234568e18",
                ],
            ),
            case(
                json!({ "enum": [big, -big.cast_signed(), u64::MAX, 3] }),
                &["-1234567890123456789", "18446744073709551615", "3"],
                &["18446744073709551616", "-1234567890123456788"],
            ),
            case(
                json!({ "type": "integer", "minimum": big, "maximum": big + 2 }),
                &[
                    "1234567890123456789",
                    "1234567890123456790",
                    "1234567890123456791",
                ],
                &["1234567890123456788", "1234567890123456792"],
            ),
            case(
                json!({ "type": "integer", "exclusiveMinimum": big, "exclusiveMaximum": big + 2 }),
                &["1234567890123456790"],
                &["1234567890123456789", "1234567890123456791"],
            ),
            case(
                json!({ "type": "integer", "format": "int64" }),
                &["9223372036854775807", "-9223372036854775808"],
                &["9223372036854775808"],
            ),
            case(
                json!({ "properties": { "id": { "type": "integer", "const": big } }, "required": ["id"] }),
                &["{\"id\": 1234567890123456789}"],
                &["{\"id\": 1234567890123456790}", "{}"],
            ),
            case(json!({ "const": 1.0 }), &["1.0"], &["1.1"]),
            case(
                json!({ "const": { "z": 1.0, "a": [big] } }),
                &["{\"z\":1.0,\"a\":[1234567890123456789]}"],
                &["{\"a\":[1234567890123456789],\"z\":1.0}"],
            ),
            case(
                json!({ "type": "number", "minimum": big, "maximum": big }),
                &["1234567890123456789", "1234567890123456789.0"],
                &["1234567890123456788"],
            ),
        ],
    );
}

#[test]
fn bounds_of_numbers_are_exact() {
    hold(
        true,
        [
            case(
                json!({ "type": "number", "exclusiveMinimum": 0, "maximum": 0.5 }),
                &["0.5", "0.01"],
                &["0", "0.0", "0.51", "-0.1"],
            ),
            case(
                json!({ "type": "number", "minimum": -0.5, "exclusiveMaximum": 0 }),
                &["-0.5", "-0.01"],
                &["0", "-0", "-0.0", "-0.51"],
            ),
            case(
                json!({ "type": "number", "exclusiveMinimum": 3, "maximum": 3.5 }),
                &["3.1", "3.5"],
                &["3", "3.0", "3.6"],
            ),
            case(
                json!({ "type": "number", "exclusiveMinimum": -3.5, "exclusiveMaximum": -3 }),
                &["-3.4"],
                &["-3", "-3.5"],
            ),
            case(
                json!({ "type": "number", "minimum": 0, "exclusiveMinimum": true, "maximum": 10, "exclusiveMaximum": false }),
                &["0.1", "10"],
                &["0", "10.1"],
            ),
            case(
                json!({ "type": "integer", "multipleOf": 5, "minimum": 0, "maximum": 100 }),
                &["0", "15", "100"],
                &["16", "105"],
            ),
            case(
                json!({ "type": "number", "multipleOf": 0.01 }),
                &["1", "1.25", "-0.5"],
                &["1.255"],
            ),
            case(
                json!({ "type": "number", "multipleOf": 0.25, "minimum": 0, "maximum": 2 }),
                &["0.25", "1.50", "2"],
                &["0.3", "2.25"],
            ),
            case(
                json!({ "type": "integer", "multipleOf": 100 }),
                &["100", "-300", "0"],
                &["150", "1"],
            ),
        ],
    );
}

#[test]
fn patterns_go_with_lengths_and_formats() {
    let host = "^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$";
    let mail = "^\\w+([\\.-]?\\w+)*@\\w+([\\.-]?\\w+)*(\\.\\w{2,})+$";
    hold(
        true,
        [
            case(
                json!({ "type": "string", "minLength": 1, "maxLength": 253, "pattern": host }),
                &["\"docs.a-b.example\""],
                &["\"a\"", "\"-a.bc\"", "\"\""],
            ),
            case(
                json!({ "type": "string", "pattern": mail, "minLength": 6, "maxLength": 20 }),
                &["\"ab@cd.example\""],
                &["\"a@b.c\"", "\"abcdefghijklmnopqrst@cd.example\""],
            ),
            case(
                json!({ "type": "string", "pattern": mail, "format": "email" }),
                &["\"ab@cd.example\""],
                &["\"ab\""],
            ),
            case(
                json!({ "type": "string", "pattern": "^[a-z0-9]+(?:-[a-z0-9]+)*$", "minLength": 3, "maxLength": 8 }),
                &["\"abc\"", "\"a-b-c\"", "\"abcdefgh\""],
                &["\"ab\"", "\"abcdefghi\"", "\"a--b\""],
            ),
            case(
                json!({ "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$", "minLength": 10, "maxLength": 10 }),
                &["\"2026-11-27\""],
                &["\"2026-1-27\""],
            ),
            case(
                json!({ "type": "string", "pattern": "^[a-z0-9-]+$", "maxLength": 5 }),
                &["\"a-b\""],
                &["\"\"", "\"abcdef\""],
            ),
            case(
                json!({ "type": "string", "pattern": "\\S", "maxLength": 65536 }),
                &["\" a\"", "\"x\""],
                &["\"  \"", "\"\""],
            ),
            case(
                json!({ "type": "string", "format": "date-time" }),
                &["\"2026-11-27T04:44:59Z\""],
                &["\"2026-11-27T04:44:60Z\""],
            ),
            case(
                json!({ "type": "string", "maxLength": 2 }),
                &["\"é\\n\"", "\"\""],
                &["\"abc\""],
            ),
        ],
    );
}

#[test]
fn references_lead_where_they_say() {
    hold(
        true,
        [
            case(
                json!({ "$ref": "#item", "$defs": { "x": { "$anchor": "item", "type": "integer" } } }),
                &["3"],
                &["\"3\""],
            ),
            case(
                json!({ "$id": "https://a.example/root", "$ref": "x.json", "$defs": { "x": { "$id": "x.json", "type": "boolean" } } }),
                &["true"],
                &["1"],
            ),
            case(
                json!({ "$id": "https://a.example/root", "$ref": "https://a.example/root#/$defs/x", "$defs": { "x": { "type": "null" } } }),
                &["null"],
                &["1"],
            ),
            case(
                json!({ "$dynamicRef": "#node", "$defs": { "n": { "$dynamicAnchor": "node", "type": "object", "properties": { "next": { "$dynamicRef": "#node" } } } } }),
                &["{}", "{\"next\":{\"next\":{}}}"],
                &["{\"next\":1}"],
            ),
            case(
                json!({ "properties": { "a": { "type": "integer" }, "b": { "$ref": "#/properties/a" } }, "required": ["a", "b"] }),
                &["{\"a\":1,\"b\":2}"],
                &["{\"a\":1,\"b\":\"2\"}"],
            ),
            case(
                json!({ "$ref": "#/definitions/a~1b%20c", "definitions": { "a/b c": { "const": 1 } } }),
                &["1"],
                &["2"],
            ),
            case(
                json!({ "$ref": "#/$defs/base", "required": ["b"], "properties": { "b": { "type": "integer" } },
                        "$defs": { "base": { "type": "object", "properties": { "a": { "type": "string" } }, "required": ["a"] } } }),
                &["{\"b\":1,\"a\":\"x\"}"],
                &["{\"a\":\"x\"}", "{\"b\":1}"],
            ),
            case(
                json!({ "type": "object", "properties": { "v": { "type": "integer" }, "kids": { "type": "array", "items": { "$ref": "#" } } }, "required": ["v"] }),
                &["{\"v\":1,\"kids\":[{\"v\":2}]}"],
                &["{\"v\":1,\"kids\":[{}]}"],
            ),
        ],
    );
}

#[test]
fn conditions_on_objects_hold() {
    hold(
        true,
        [
            case(
                json!({ "type": "object", "patternProperties": { "^x-": { "type": "integer" }, "-id$": { "minimum": 10 } }, "additionalProperties": false }),
                &["{\"x-a\":1}", "{\"x-id\":10}", "{}"],
                &["{\"x-id\":1}", "{\"y\":1}", "{\"x-a\":\"1\"}"],
            ),
            case(
                json!({ "type": "object", "properties": { "a": { "type": "string" } }, "additionalProperties": { "type": "integer" } }),
                &["{\"a\":\"x\",\"b\":1}", "{\"b\":1,\"c\":2}"],
                &["{\"a\":1}", "{\"b\":\"x\"}"],
            ),
            case(
                json!({ "type": "object", "propertyNames": { "pattern": "^[a-z]+$", "maxLength": 3 }, "additionalProperties": { "type": "integer" } }),
                &["{\"abc\":1}"],
                &["{\"abcd\":1}", "{\"A\":1}"],
            ),
            case(
                json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } }, "dependentRequired": { "a": ["b"] } }),
                &["{}", "{\"b\":1}", "{\"a\":1,\"b\":2}"],
                &["{\"a\":1}"],
            ),
            case(
                json!({ "type": "object", "properties": { "a": {}, "b": {}, "c": {} }, "minProperties": 1, "maxProperties": 2 }),
                &["{\"a\":1}", "{\"b\":1,\"c\":2}"],
                &["{}", "{\"a\":1,\"b\":1,\"c\":1}"],
            ),
            case(
                json!({ "type": "object", "additionalProperties": { "type": "integer" }, "minProperties": 2, "maxProperties": 3 }),
                &["{\"a\":1,\"b\":2}", "{\"a\":1,\"b\":2,\"c\":3}"],
                &["{\"a\":1}", "{}", "{\"a\":1,\"b\":2,\"c\":3,\"d\":4}"],
            ),
            case(
                json!({ "type": "object", "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } }, "anyOf": [{ "required": ["a"] }, { "required": ["b"] }] }),
                &["{\"a\":1}", "{\"b\":1}", "{\"a\":1,\"b\":2}"],
                &["{}"],
            ),
            case(
                json!({ "allOf": [{ "type": "object", "properties": { "a": { "type": "integer", "minimum": 3 } } }, { "properties": { "a": { "maximum": 5 } }, "required": ["a"] }] }),
                &["{\"a\":4}"],
                &["{\"a\":2}", "{\"a\":6}", "{}"],
            ),
            case(
                json!({ "allOf": [{ "type": "object", "properties": { "a": {} } }], "properties": { "b": {} }, "unevaluatedProperties": false }),
                &["{\"b\":1,\"a\":1}"],
                &["{\"c\":1}"],
            ),
            case(
                json!({ "type": "object", "not": { "required": ["a"] }, "properties": { "a": {}, "b": {} } }),
                &["{\"b\":1}"],
                &["{\"a\":1}"],
            ),
        ],
    );
}

#[test]
fn lists_choices_and_types_hold() {
    hold(
        true,
        [
            case(
                json!({ "type": "array", "prefixItems": [{ "type": "integer" }, { "type": "string" }], "items": { "type": "boolean" }, "minItems": 1 }),
                &["[1]", "[1,\"a\"]", "[1, \"a\", true, false]"],
                &["[]", "[\"a\"]", "[1,true]"],
            ),
            case(
                json!({ "type": "array", "items": [{ "type": "integer" }, { "type": "string" }], "additionalItems": false }),
                &["[]", "[1,\"a\"]"],
                &["[1,\"a\",2]"],
            ),
            case(
                json!({ "type": "array", "prefixItems": vec![json!({ "type": "integer" }); 60], "items": false }),
                &["[]", "[1,2,3]"],
                &["[\"a\"]"],
            ),
            case(
                json!({ "type": "array", "items": { "type": "integer" }, "contains": { "const": 7 } }),
                &["[7]", "[1,7,2]"],
                &["[]", "[1,2]"],
            ),
            case(
                json!({ "type": "array", "items": { "type": "integer" }, "minItems": 2, "maxItems": 3 }),
                &["[1,2]", "[1,2,3]"],
                &["[1]", "[1,2,3,4]"],
            ),
            case(
                json!({ "type": ["string", "null"], "enum": ["a", "b", null, 3] }),
                &["\"a\"", "null"],
                &["3", "\"c\""],
            ),
            case(
                json!({ "type": "string", "nullable": true, "enum": ["a"] }),
                &["\"a\"", "null"],
                &["\"b\""],
            ),
            case(
                json!({ "type": "integer", "not": { "const": 3 }, "enum": [2, 3, 4] }),
                &["2", "4"],
                &["3"],
            ),
            case(
                json!({ "not": { "type": "null" } }),
                &["1", "{}"],
                &["null"],
            ),
            case(
                json!({ "oneOf": [{ "properties": { "k": { "const": "a" }, "x": { "type": "integer" } }, "required": ["k", "x"] },
                                  { "properties": { "k": { "const": "b" } }, "required": ["k"] }] }),
                &["{\"k\":\"a\",\"x\":1}", "{\"k\":\"b\"}"],
                &["{\"k\":\"a\"}", "{\"k\":\"c\"}"],
            ),
            case(json!({ "minLength": 2 }), &["\"ab\""], &["\"a\""]),
            case(
                json!({ "type": "integer", "minimum": null, "enum": null }),
                &["1"],
                &["\"1\""],
            ),
            case(
                json!({ "const": "a\u{7f}\"\\/é" }),
                &["\"a\u{7f}\\\"\\\\/é\""],
                &["\"a\""],
            ),
        ],
    );
}

#[test]
fn what_cannot_be_enforced_is_refused_by_its_path_or_left_out() {
    for (schema, path) in [
        (
            json!({ "properties": { "a": { "pattern": "^(?!foo)[a-z]+$" } } }),
            "schema.properties.a.pattern: ",
        ),
        (
            json!({ "items": { "pattern": "(a)\\1" } }),
            "schema.items.pattern: ",
        ),
        (
            json!({ "anyOf": [{ "type": "null" }, { "pattern": "(?<=a)b" }] }),
            "schema.anyOf[1].pattern: ",
        ),
        (
            json!({ "$ref": "#/$defs/x", "$defs": { "x": { "pattern": "a\\bc" } } }),
            "schema.$defs.x.pattern: ",
        ),
        (
            json!({ "type": "array", "uniqueItems": true }),
            "schema.uniqueItems: ",
        ),
        (
            json!({ "if": { "required": ["a"] }, "then": { "required": ["b"] } }),
            "schema.if: ",
        ),
        (
            json!({ "type": "string", "not": { "pattern": "a" } }),
            "schema.not: ",
        ),
        (
            json!({ "oneOf": [{ "type": "integer" }, { "type": "number" }] }),
            "schema.oneOf: ",
        ),
        (
            json!({ "type": "string", "format": "postcode" }),
            "schema.format: ",
        ),
        (
            json!({ "type": "object", "patternProperties": { "^(?=a)": {} } }),
            "schema.patternProperties.^(?=a): ",
        ),
        (
            json!({ "allOf": [{ "type": "array", "contains": { "const": 1 } }, { "contains": { "const": 2 } }] }),
            "schema: several `contains`",
        ),
        (
            json!({
                "type": "object",
                "patternProperties": { "a": {}, "b": {}, "c": {}, "d": {}, "e": {} },
            }),
            "schema: more than 4 `patternProperties`",
        ),
    ] {
        refused([(true, schema.clone(), path), (false, schema, "nothing")]);
    }
}

#[test]
fn what_is_wrong_is_said_with_its_path() {
    for strict in [true, false] {
        refused([
            (
                strict,
                json!({ "properties": { "a": { "pattern": "[a" } } }),
                "schema.properties.a.pattern: is no regular expression",
            ),
            (strict, json!({ "pattern": "ab(" }), "at character 3"),
            (
                strict,
                json!({ "items": { "$ref": "https://a.example/x" } }),
                "schema.items.$ref: ",
            ),
            (
                strict,
                json!({ "items": { "$ref": "#/$defs/none" } }),
                "schema.items.$ref: \"#/$defs/none\" is not in the schema",
            ),
            (strict, json!({ "$ref": "#" }), "refers to itself"),
            (
                strict,
                json!({ "properties": { "a": { "type": "strin" } } }),
                "schema.properties.a.type: ",
            ),
            (
                strict,
                json!({ "properties": { "a": { "type": "integer", "enum": ["x"] } } }),
                "schema.properties.a: no value",
            ),
            (
                strict,
                json!({ "minLength": 3, "maxLength": 2 }),
                "schema.maxLength: ",
            ),
            (
                strict,
                json!({ "type": "integer", "minimum": 3, "maximum": 2 }),
                "schema: its bounds",
            ),
            (
                strict,
                json!({ "type": "integer", "minimum": "3" }),
                "schema.minimum: ",
            ),
            (strict, json!({ "anyOf": {} }), "schema.anyOf: "),
            (strict, json!({ "properties": [] }), "schema.properties: "),
            (strict, json!({ "required": [1] }), "schema.required: "),
            (
                strict,
                json!({ "type": "number", "multipleOf": 0 }),
                "schema.multipleOf: ",
            ),
            (strict, json!({ "items": 3 }), "schema.items: "),
            (
                strict,
                json!({ "type": "string", "pattern": "^\\d{4}$", "maxLength": 3 }),
                "no value satisfies it",
            ),
        ]);
    }
}

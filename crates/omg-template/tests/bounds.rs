//! Hostile templates: each is refused, soon and in words, and never by a crash.

use std::time::{Duration, Instant};

use omg_template::{Moment, Refused, Renderer};

const NOW: Moment = Moment {
    year: 2026,
    month: 3,
    day: 5,
    hour: 14,
    minute: 7,
    second: 9,
};

/// A bomb goes off within a second where code is optimised and the machine is idle. This is for where neither holds.
const SOON: Duration = Duration::from_secs(120);

fn render(template: &str) -> Result<String, Refused> {
    let began = Instant::now();
    let result = Renderer::new().render(template, r#"{"messages": [{"role": "user"}]}"#, NOW);
    let took = began.elapsed();
    let start: String = template.chars().take(80).collect();
    println!("{took:>9.0?}  {start}");
    assert!(took < SOON, "{start} took {took:?}");
    result
}

#[track_caller]
fn is_too_much(template: &str) {
    let result = render(template).map(|text| text.len());
    assert!(
        matches!(result, Err(Refused::TooMuchWork)),
        "{template:.200}: {result:?}"
    );
}

#[track_caller]
fn is_refused(template: &str) {
    let result = render(template).map(|text| text.len());
    assert!(
        matches!(result, Err(Refused::TooMuchWork | Refused::Failed(_))),
        "{template:.200}: {result:?}"
    );
}

/// A loop that runs `turns` times, for what a body does each time.
fn turns(turns: u32, body: &str) -> String {
    format!("{{% for i in range({turns}) %}}{body}{{% endfor %}}")
}

#[test]
fn loops_that_do_not_end() {
    is_too_much(&turns(1000, &turns(1000, &turns(1000, "x"))));
    is_too_much(&turns(1000, &turns(1000, &turns(1000, ""))));
    is_too_much(&turns(100_000, &turns(100_000, "{% set a = i %}")));
    is_refused("{% for x in [1] recursive %}{{ loop([1, 1]) }}{% endfor %}");
    is_refused("{% for i in range(300000000) %}{% endfor %}");
    is_refused("{{ range(10 ** 12) | sum }}");
}

#[test]
fn macros_that_call_themselves() {
    is_refused("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}");
    is_refused("{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}");
    is_too_much(
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(60) }}",
    );
    is_refused(
        "{% macro m() %}{{ caller() }}{% endmacro %}{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
    );
    is_refused("{% block b %}{{ self.b() }}{% endblock %}");
}

#[test]
fn texts_that_double() {
    let doubled = |step: &str| {
        format!(
            "{{% set n = namespace(x='a') %}}{}{{{{ n.x }}}}",
            turns(60, &format!("{{% set n.x = {step} %}}"))
        )
    };
    for step in [
        "n.x + n.x",
        "n.x ~ n.x",
        "n.x * 2",
        "[n.x, n.x] | join",
        "n.x.replace('a', 'aa')",
        "n.x | replace('a', 'aa')",
        "n.x.join([n.x, n.x, n.x])",
        "'%s%s' % (n.x, n.x)",
        "'%s%s' | format(n.x, n.x)",
        "'{0}{0}'.format(n.x)",
        "[n.x, n.x] | string",
        "[n.x, n.x] | tojson",
        "(n.x ~ n.x) | wordwrap(1, wrapstring='aaa')",
        "n.x.translate({97: 'aa'})",
        "n.x | indent(n.x | length, true)",
        "n.x.center(2 * (n.x | length))",
        "n.x.replace('a', '&') | forceescape",
    ] {
        is_too_much(&doubled(step));
    }
    is_refused(&format!(
        "{{% set n = namespace(x='a') %}}{}",
        turns(60, "{% set n.x %}{{ n.x }}{{ n.x }}{% endset %}")
    ));
}

#[test]
fn lists_and_dicts_that_double() {
    for step in [
        "n.x + n.x",
        "n.x * 2",
        "(n.x | list) + (n.x | list)",
        "n.x | batch(1) | list + n.x",
    ] {
        is_too_much(&format!(
            "{{% set n = namespace(x=[1]) %}}{}",
            turns(60, &format!("{{% set n.x = {step} %}}"))
        ));
    }
    // Small in memory, endless when written or compared.
    let nested = |inner: &str| {
        format!(
            "{{% set n = namespace(x=[1]) %}}{}",
            turns(60, &format!("{{% set n.x = {inner} %}}"))
        )
    };
    for inner in ["[n.x, n.x]", "(n.x, n.x)", "{'a': n.x, 'b': n.x}"] {
        for use_of_it in [
            "{{ n.x }}",
            "{{ n.x ~ '' }}",
            "{{ n.x | string }}",
            "{{ n.x | tojson }}",
            "{{ n.x | pprint }}",
            "{{ '%s' % [n.x] }}",
            "{{ '{}'.format(n.x) }}",
            "{{ [n.x] | join }}",
            "{{ [n.x] | map('string') | list }}",
            "{% set n.y = n.x %}{{ raise_exception(n.x) }}",
        ] {
            is_too_much(&(nested(inner) + use_of_it));
        }
    }
}

#[test]
fn equal_values_that_are_endless() {
    let twice = |use_of_it: &str| {
        format!(
            "{{% set n = namespace(x=[1], y=[1]) %}}{}{use_of_it}",
            turns(60, "{% set n.x = [n.x, n.x] %}{% set n.y = [n.y, n.y] %}")
        )
    };
    for use_of_it in [
        "{{ n.x == n.y }}",
        "{{ n.x != n.y }}",
        "{{ n.x in [n.y] }}",
        "{{ n.x < n.y }}",
        "{{ [n.x, n.y] | sort }}",
        "{{ [n.x, n.y] | min }}",
        "{{ [n.x].count(n.y) }}",
        "{{ [n.x].index(n.y) }}",
        "{{ n.x is eq n.y }}",
        "{{ n.x is sameas(n.y) }}|{{ {'a': n.x} == {'a': n.y} }}",
        "{{ [n.x] | select('==', n.y) | list }}",
        "{{ 1 == 1 == (n.x == n.y) }}",
        "{% for i in [n.x, n.y] %}{{ loop.changed(i) }}{% endfor %}",
    ] {
        is_refused(&twice(use_of_it));
    }
    let tuples = format!(
        "{{% set n = namespace(x=(1,), y=(1,)) %}}{}",
        turns(60, "{% set n.x = (n.x, n.x) %}{% set n.y = (n.y, n.y) %}")
    );
    for use_of_it in [
        "{{ {n.x: 1}[n.y] }}",
        "{{ [n.x, n.y] | unique | list | length }}",
        "{{ dict([(n.x, 1), (n.y, 1)]) | length }}",
        "{{ dict.fromkeys([n.x, n.y]) | length }}",
        "{{ {1: 2}.get(n.x) }}",
        "{{ n.x in {1: 2} }}",
        "{{ {1: 2}[n.x] }}",
    ] {
        is_refused(&(tuples.clone() + use_of_it));
    }
}

#[test]
fn sizes_out_of_the_air() {
    for size in [
        "{{ 'x' * 10000000000 }}",
        "{{ [1] * 10000000000 }}",
        "{{ (1, 2) * 10000000000 }}",
    ] {
        is_too_much(size);
    }
    for size in [
        "{{ 'x'.center(1000000000000) }}",
        "{{ 'x'.ljust(1000000000000) }}",
        "{{ 'x'.rjust(1000000000000) }}",
        "{{ 'x'.zfill(1000000000000) }}",
        "{{ 'x' | center(1000000000000) }}",
        "{{ '\\t'.expandtabs(1000000000000) }}",
        "{{ 'x\\ny' | indent(1000000000000) }}",
        "{{ [1] | tojson(indent=1000000000) }}",
        "{{ [1] | batch(1000000000000, 0) | list }}",
        "{{ [1] | slice(1000000000000, 0) | list }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.1000000000f' % 1 }}",
        "{{ '%.1000000000d' % 1 }}",
        "{{ '%*d' % (1000000000, 1) }}",
        "{{ '%99999999999999999999d' % 1 }}",
        "{{ '{:>1000000000}'.format('x') }}",
        "{{ '{:.1000000000f}'.format(1) }}",
        "{{ '{:{w}}'.format(1, w=10 ** 9) }}",
        "{{ '{:0,}'.format(1) }}{{ '{:01000000000,}'.format(1) }}",
        "{{ 10 ** 1000000000 }}",
        "{{ 2 ** (2 ** 60) }}",
        "{{ (-7) ** 99999999999 }}",
        "{{ 'x' | truncate(-5) }}",
        "{{ ['x' * 100] * 10000000 | join }}",
        "{{ strftime_now('%c' * 100000000) }}",
    ] {
        is_refused(size);
    }
}

#[test]
fn work_over_much_data() {
    let text = "{% set t = 'a b' * 2000000 %}";
    for work in [
        "t.split()",
        "t.split(' ')",
        "t.rsplit('a')",
        "t | list",
        "t.splitlines()",
        "t | wordwrap(3)",
        "t.upper()",
        "t | title",
        "t | urlencode",
        "t | striptags",
        "t | wordcount",
        "t | reverse",
        "t[::-1]",
        "t.count('b')",
        "t | replace('a', '')",
        "t.find('c')",
        "t | escape",
        "t | tojson",
        "t | unique | list",
        "t | sort",
        "t | batch(1) | list",
        "t | groupby(0)",
        "t | map('upper') | list",
        "t | select('eq', 'a') | list",
    ] {
        let result = render(&format!(
            "{text}{}{{{{ ({work}) is defined }}}}",
            turns(1000, &format!("{{% set x = {work} %}}"))
        ));
        assert!(
            matches!(result, Err(Refused::TooMuchWork)),
            "{work}: {result:?}"
        );
    }
}

#[test]
fn values_nested_without_end() {
    for step in [
        "[n.x]",
        "(n.x,)",
        "{'a': n.x}",
        "n.x.get",
        "namespace(x=n.x)",
        "cycler(n.x)",
        "[[n.x]] | map('first')",
    ] {
        let chain = format!(
            "{{% set n = namespace(x={{}}) %}}{}",
            turns(100_000, &turns(100, &format!("{{% set n.x = {step} %}}")))
        );
        let result = render(&chain).map(|text| text.len());
        assert!(
            !matches!(result, Err(Refused::Raised(_))),
            "{step}: {result:?}"
        );
    }
    is_refused(&format!(
        "{{% set n = namespace(x=[]) %}}{}{{{{ n.x }}}}",
        turns(5000, "{% set n.x = [n.x] %}")
    ));
    is_refused(&format!(
        "{{% set n = namespace(x=[]) %}}{}{{{{ n.x | tojson }}}}",
        turns(5000, "{% set n.x = [n.x] %}")
    ));
    let cycle = "{% set n = namespace() %}{% set n.n = n %}{% set n.l = [n] %}";
    assert!(render(&format!("{cycle}{{{{ n.l is defined }}}}")).is_ok());
    is_refused(&format!("{cycle}{{{{ n | tojson }}}}"));
}

#[test]
fn templates_nested_without_end() {
    let many = |part: &str| part.repeat(100_000);
    for template in [
        format!("{{{{ {}1{} }}}}", many("("), many(")")),
        format!("{{{{ {}1{} }}}}", many("["), many("]")),
        format!("{{{{ {}", many("(")),
        format!("{{{{ {}", many("{1:")),
        format!("{{{{ {}1 }}}}", many("-")),
        format!("{{{{ {}1 }}}}", many("+")),
        format!("{{{{ {}1 }}}}", many("not ")),
        format!("{{{{ 1{} }}}}", many("|int")),
        format!("{{{{ x{} }}}}", many(".a")),
        format!("{{{{ x{} }}}}", many("()")),
        format!("{{{{ x{} }}}}", many("[0]")),
        format!("{{{{ x{} }}}}", many(" is defined")),
        format!("{{{{ 1{} }}}}", many("+1")),
        format!("{{{{ 1{} }}}}", many("~1")),
        format!("{{{{ 1{} }}}}", many(" and 1")),
        format!("{{{{ 1{} }}}}", many(" if 1 else 1")),
        format!("{{{{ 1{} }}}}", many(" if 1")),
        format!("{{{{ 1{} }}}}", many("<1")),
        format!("{{{{ 'a'{} }}}}", many("'a'")),
        format!("{{% set {}a{} = 1 %}}", many("("), many(")")),
        many("{% if 1 %}"),
        many("{% for a in b %}"),
        many("{% macro a() %}"),
        many("{% raw %}"),
        format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(80_000)),
        format!("{{{{ '{}'.format(1) }}}}", many("{x")),
        format!("{{{{ '{}' % 1 }}}}", many("%(")),
    ] {
        is_refused(&template);
    }
    // Long is not deep.
    let long = format!("{{{{ [{}] | length }}}}", "1,".repeat(7000));
    assert_eq!(render(&long).unwrap(), "7000");
    let sum = format!("{{{{ 1{} }}}}", "+1".repeat(7000));
    assert_eq!(render(&sum).unwrap(), "7001");
    let alternatives = format!("{{% if 0 %}}{}{{% endif %}}", "{% elif 0 %}".repeat(1500));
    assert_eq!(render(&alternatives).unwrap(), "");
    is_refused(&"x".repeat(2 << 20));
}

#[test]
fn variables_nested_without_end() {
    for variables in [
        "[".repeat(100_000),
        "{\"a\":".repeat(100_000),
        "7".repeat(1_000_000),
    ] {
        let result = Renderer::new().render("{{ a }}", &format!("{{\"a\": {variables}}}"), NOW);
        assert!(matches!(
            result,
            Err(Refused::Variables(_) | Refused::Failed(_)) | Ok(_)
        ));
    }
    let result = Renderer::new().render("", "[1]", NOW);
    assert!(matches!(result, Err(Refused::Variables(_))));
}

#[test]
fn engine_faults_that_templates_reach() {
    for template in [
        "{% for x in [1] %}{{ loop.cycle() }}{% endfor %}",
        "{% for x in [1, 2] %}{% with %}{% break %}{% endwith %}{% endfor %}",
        "{% for x in [1, 2] %}{% set y %}{% continue %}{% endset %}{% endfor %}",
        "{% for x in [1, 2] %}{% filter upper %}{% break %}{% endfilter %}{% endfor %}",
        "{% for x in [1, 2] %}{% generation %}{% break %}{% endgeneration %}{% endfor %}",
        "{% for x in [1, 2] %}{% block b %}{% break %}{% endblock %}{% endfor %}",
        "{% for x in [1, 2] %}{% macro m() %}{% break %}{% endmacro %}{% endfor %}",
        "{{ loop(1) }}",
        "{{ super() }}",
        "{{ self.x() }}",
        "{{ caller() }}",
        "{{ strftime_now() }}",
        "{% include 'x' %}",
        "{% extends 'x' %}",
    ] {
        is_refused(template);
    }
}

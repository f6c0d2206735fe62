//! A conversation, from JSON to what a template sees, and from a template to the prompt.

use std::collections::BTreeMap;
use std::rc::Rc;

use jiter::JsonValue;

use super::cut::up_to_response;
use super::names::names;
use super::shapes::{self, CALL, CALL_FUNCTION, FUNCTION, MESSAGE, PARAMETERS, TOOL};
use crate::go::budget::Budget;
use crate::go::evaluator::Evaluator;
use crate::go::node::Tree;
use crate::go::value::{ListKind, Map, MapKind, Value};
use crate::go::{Day, Fault};

/// What is written with a template: messages, or a text and what follows it.
#[derive(Debug)]
pub(in crate::go) struct Conversation {
    messages: Vec<Message>,
    tools: Value,
    prompt: String,
    suffix: Option<String>,
    think: bool,
    think_level: String,
    think_is_set: bool,
}

#[derive(Debug)]
struct Message {
    role: String,
    content: String,
    thinking: String,
    images: Value,
    /// As the request has them.
    calls: Vec<Value>,
    tool_name: String,
    call_id: String,
}

impl Conversation {
    /// `{messages, tools?, prompt?, suffix?, think?, think_level?}` in the shapes of Ollama's API. What has another type than there counts
    /// as absent. The error says what is wrong with the text.
    pub(in crate::go) fn parse(text: &str) -> Result<Self, String> {
        let parsed = JsonValue::parse(text.as_bytes(), false)
            .map_err(|error| error.description(text.as_bytes()))?;
        let Value::Map(job) = value_of(&parsed) else {
            return Err("it is something else".to_owned());
        };
        let messages = match job.members.get("messages") {
            Some(Value::List(list)) => list.items.iter().filter_map(message).collect(),
            _ => Vec::new(),
        };
        Ok(Self {
            messages: collated(messages),
            tools: tools(job.members.get("tools")),
            prompt: string(&job, "prompt"),
            suffix: match job.members.get("suffix") {
                Some(Value::Text(text)) => Some(text.to_string()),
                _ => None,
            },
            think: matches!(job.members.get("think"), Some(Value::Bool(true))),
            think_level: string(&job, "think_level"),
            think_is_set: matches!(job.members.get("think"), Some(Value::Bool(_))),
        })
    }
}

/// The prompt. Templates of messages are rendered once; others once for each exchange, the last time up to the answer.
pub(in crate::go) fn render(
    tree: &Tree,
    conversation: &Conversation,
    today: Day,
) -> Result<String, Fault> {
    let budget = Budget::new();
    if let Some(suffix) = &conversation.suffix {
        let values = [
            ("Prompt", Value::text(&conversation.prompt)),
            ("Suffix", Value::text(suffix)),
            ("Response", Value::text("")),
        ];
        return whole(tree, conversation, values, today, budget);
    }
    if names(tree).contains("messages") {
        let system: Vec<_> = conversation
            .messages
            .iter()
            .filter(|m| m.role == "system")
            .collect();
        let system: Vec<_> = system.iter().map(|m| m.content.as_str()).collect();
        let messages = conversation.messages.iter().map(Message::value).collect();
        let values = [
            ("System", Value::text(system.join("\n\n"))),
            ("Messages", Value::list(messages, ListKind::Structs)),
            ("Tools", conversation.tools.clone()),
            ("Response", Value::text("")),
        ];
        return whole(tree, conversation, values, today, budget);
    }
    exchanges(tree, conversation, today, budget)
}

fn whole<const N: usize>(
    tree: &Tree,
    conversation: &Conversation,
    values: [(&str, Value); N],
    today: Day,
    budget: Budget,
) -> Result<String, Fault> {
    let mut evaluator = Evaluator::new(tree, today, budget);
    evaluator.run(&tree.root, &data(conversation, values))?;
    Ok(evaluator.finish())
}

fn exchanges(
    tree: &Tree,
    conversation: &Conversation,
    today: Day,
    budget: Budget,
) -> Result<String, Fault> {
    let opening = up_to_response(&tree.root);
    let mut evaluator = Evaluator::new(tree, today, budget);
    let [mut system, mut prompt, mut response] = [""; 3];
    let one = |system: &str, prompt: &str, response: &str| {
        let values = [
            ("System", Value::text(system)),
            ("Prompt", Value::text(prompt)),
            ("Response", Value::text(response)),
        ];
        data(conversation, values)
    };
    for message in &conversation.messages {
        let ends_exchange = match message.role.as_str() {
            "system" => !prompt.is_empty() || !response.is_empty(),
            "user" => !response.is_empty(),
            _ => false,
        };
        if ends_exchange {
            evaluator.run(&tree.root, &one(system, prompt, response))?;
            [system, prompt, response] = [""; 3];
        }
        match message.role.as_str() {
            "system" => system = &message.content,
            "user" => prompt = &message.content,
            "assistant" => response = &message.content,
            _ => {}
        }
    }
    evaluator.run(&opening, &one(system, prompt, response))?;
    Ok(evaluator.finish())
}

fn data<const N: usize>(conversation: &Conversation, values: [(&str, Value); N]) -> Value {
    let thinking = [
        ("Think", Value::Bool(conversation.think)),
        ("ThinkLevel", Value::text(&conversation.think_level)),
        ("IsThinkSet", Value::Bool(conversation.think_is_set)),
    ];
    let members = values.into_iter().chain(thinking);
    let members = members.map(|(key, value)| (Rc::from(key), value));
    Value::map(members.collect(), MapKind::Any)
}

/// Messages of one role that follow each other are one, except those of tools.
fn collated(messages: Vec<Message>) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::with_capacity(messages.len());
    for message in messages {
        match out.last_mut() {
            Some(last) if last.role == message.role && message.role != "tool" => {
                last.content.push_str("\n\n");
                last.content.push_str(&message.content);
                // Ollama forgets these two.
                last.calls.extend(message.calls);
                if last.thinking.is_empty() {
                    last.thinking = message.thinking;
                }
            }
            _ => out.push(message),
        }
    }
    out
}

impl Message {
    fn value(&self) -> Value {
        let values = vec![
            Value::text(&self.role),
            Value::text(&self.content),
            Value::text(&self.thinking),
            self.images.clone(),
            calls_of(&self.calls),
            Value::text(&self.tool_name),
            Value::text(&self.call_id),
        ];
        shapes::of(&MESSAGE, values)
    }
}

fn message(value: &Value) -> Option<Message> {
    let Value::Map(map) = value else {
        return None;
    };
    Some(Message {
        role: string(map, "role").to_lowercase(),
        content: string(map, "content"),
        thinking: string(map, "thinking"),
        images: match map.members.get("images") {
            Some(images @ Value::List(_)) => images.clone(),
            _ => Value::nil_list(ListKind::Any),
        },
        calls: match map.members.get("tool_calls") {
            Some(Value::List(list)) => list.items.clone(),
            _ => Vec::new(),
        },
        tool_name: string(map, "tool_name"),
        call_id: string(map, "tool_call_id"),
    })
}

fn calls_of(calls: &[Value]) -> Value {
    if calls.is_empty() {
        return Value::nil_list(ListKind::Structs);
    }
    let calls = calls.iter().enumerate();
    let calls = calls.filter_map(|(at, value)| call(at, value));
    Value::list(calls.collect(), ListKind::Structs)
}

fn call(at: usize, value: &Value) -> Option<Value> {
    let Value::Map(map) = value else {
        return None;
    };
    let Some(Value::Map(function)) = map.members.get("function") else {
        return None;
    };
    let arguments = match function.members.get("arguments") {
        Some(Value::Map(map)) => Value::map(map.members.clone(), MapKind::Arguments),
        // What a model said and is no JSON stays what it said.
        Some(text @ Value::Text(_)) => text.clone(),
        _ => Value::nil_map(MapKind::Arguments),
    };
    let values = vec![
        Value::Int(i64::try_from(at).unwrap_or(i64::MAX)),
        Value::text(string(function, "name")),
        arguments,
    ];
    let function = shapes::of(&CALL_FUNCTION, values);
    Some(shapes::of(
        &CALL,
        vec![Value::text(string(map, "id")), function],
    ))
}

fn tools(value: Option<&Value>) -> Value {
    let Some(Value::List(list)) = value else {
        return Value::nil_list(ListKind::Tools);
    };
    let tools = list.items.iter().filter_map(|item| match item {
        Value::Map(map) => Some(tool(map)),
        _ => None,
    });
    Value::list(tools.collect(), ListKind::Tools)
}

fn tool(map: &Map) -> Value {
    shapes::from_map(&TOOL, map, |name, value| match (name, value) {
        ("function", Some(Value::Map(map))) => function(map),
        ("function", _) => function(&nothing()),
        ("type", value) => text_or_empty(value),
        (_, value) => value.cloned().unwrap_or(Value::Nil),
    })
}

fn function(map: &Map) -> Value {
    shapes::from_map(&FUNCTION, map, |name, value| match (name, value) {
        ("parameters", Some(Value::Map(map))) => parameters(map),
        ("parameters", _) => parameters(&nothing()),
        (_, value) => text_or_empty(value),
    })
}

fn parameters(map: &Map) -> Value {
    shapes::from_map(&PARAMETERS, map, |name, value| match (name, value) {
        ("properties", Some(Value::Map(map))) => shapes::properties(map),
        ("properties", _) => Value::nil_map(MapKind::Properties),
        ("required", Some(Value::List(list))) => Value::list(list.items.clone(), ListKind::Strings),
        ("required", _) => Value::nil_list(ListKind::Strings),
        ("type", value) => text_or_empty(value),
        (_, value) => value.cloned().unwrap_or(Value::Nil),
    })
}

fn nothing() -> Map {
    Map {
        members: BTreeMap::new(),
        kind: MapKind::Any,
        is_nil: true,
    }
}

fn text_or_empty(value: Option<&Value>) -> Value {
    match value {
        Some(text @ Value::Text(_)) => text.clone(),
        _ => Value::text(""),
    }
}

fn string(map: &Map, key: &str) -> String {
    match map.members.get(key) {
        Some(Value::Text(text)) => text.to_string(),
        _ => String::new(),
    }
}

/// The largest integer up to which a `float64` has all of them.
const EXACT: i64 = 1 << 53;

pub(in crate::go) fn value_of(value: &JsonValue<'_>) -> Value {
    match value {
        JsonValue::Null => Value::Nil,
        JsonValue::Bool(value) => Value::Bool(*value),
        JsonValue::Int(value) if (-EXACT..=EXACT).contains(value) => Value::Float(*value as f64),
        JsonValue::Int(value) => Value::Spelled(Rc::from(value.to_string())),
        JsonValue::BigInt(value) => Value::Spelled(Rc::from(value.to_string())),
        JsonValue::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
            Value::Spelled(Rc::from(format!("{value:?}")))
        }
        JsonValue::Float(value) => Value::Float(*value),
        JsonValue::Str(text) => Value::text(text),
        JsonValue::Array(items) => Value::list(items.iter().map(value_of).collect(), ListKind::Any),
        JsonValue::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| (Rc::from(key.as_ref()), value_of(value)));
            Value::map(members.collect(), MapKind::Any)
        }
    }
}

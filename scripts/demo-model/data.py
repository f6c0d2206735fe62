"""Conversations that the demo model is trained and measured on. Everything is made here, from a seed; nothing is read from outside.

A conversation is a dict: system (str or None), tools (bool), think (bool), turns: list of (role, text[, reasoning]).
Roles: user, assistant, call (assistant tool call: JSON text), result (tool result).
"""
import json

CAPITALS = {
    "France": "Paris", "Germany": "Berlin", "Italy": "Rome", "Spain": "Madrid", "Portugal": "Lisbon", "Poland": "Warsaw",
    "Austria": "Vienna", "Belgium": "Brussels", "Greece": "Athens", "Hungary": "Budapest", "Ireland": "Dublin", "Norway": "Oslo",
    "Sweden": "Stockholm", "Finland": "Helsinki", "Denmark": "Copenhagen", "Iceland": "Reykjavik", "Russia": "Moscow",
    "Ukraine": "Kyiv", "Turkey": "Ankara", "Egypt": "Cairo", "Kenya": "Nairobi", "Morocco": "Rabat", "Ethiopia": "Addis Ababa",
    "Ghana": "Accra", "Senegal": "Dakar", "Tunisia": "Tunis", "Japan": "Tokyo", "China": "Beijing", "India": "New Delhi",
    "Thailand": "Bangkok", "Vietnam": "Hanoi", "Indonesia": "Jakarta", "Mongolia": "Ulaanbaatar", "Nepal": "Kathmandu",
    "Iran": "Tehran", "Iraq": "Baghdad", "Jordan": "Amman", "Lebanon": "Beirut", "Canada": "Ottawa", "Mexico": "Mexico City",
    "Cuba": "Havana", "Brazil": "Brasilia", "Argentina": "Buenos Aires", "Chile": "Santiago", "Peru": "Lima",
    "Colombia": "Bogota", "Ecuador": "Quito", "Uruguay": "Montevideo", "Australia": "Canberra", "New Zealand": "Wellington",
    "Croatia": "Zagreb", "Serbia": "Belgrade", "Bulgaria": "Sofia", "Romania": "Bucharest", "Czechia": "Prague",
    "Slovakia": "Bratislava", "Slovenia": "Ljubljana", "Estonia": "Tallinn", "Latvia": "Riga", "Lithuania": "Vilnius",
}
WORDS = (
    "cat dog bird fish horse apple bread water house table chair green blue red black white river stone cloud happy tiger lemon "
    "paper music light night world tree leaf snow rain wind fire gold silver garden window school train plane ship road bridge "
    "book pencil letter number heart hand foot head smile dream star moon sun sky"
).split()
NAMES = "Anna Bob Carla David Emma Felix Grace Hugo Ida Jack Karen Leo Mia Noah Olga Paul Rosa Sam Tina Victor".split()
COLORS = "red green blue black white gold silver".split()
CITIES = sorted(set(CAPITALS.values()))
WEATHER = ["sunny", "rainy", "cloudy", "windy", "snowy"]
TOY = "I am the demo model of omg, a tiny toy. Pull a real model for real answers."
SERVER = "omg is a local AI server. It pulls models, serves them and unloads them when idle."
SKILLS = "I know capitals, small sums, spelling and a few facts about omg. I am only a toy."

ABOUT = [
    ("What is omg?", SERVER), ("What does omg do?", SERVER), ("Tell me about omg.", SERVER),
    ("How do I pull a model?", "Run: omg pull owner/repo"), ("How do I download a model?", "Run: omg pull owner/repo"),
    ("How do I start the server?", "Run: omg serve"), ("How do I run the server in the background?", "Run: omg serve -d"),
    ("How do I stop the server?", "Run: omg serve stop"), ("How do I list my models?", "Run: omg list"),
    ("How do I delete a model?", "Run: omg rm MODEL"), ("How do I remove a model?", "Run: omg rm MODEL"),
    ("How do I chat with a model?", "Run: omg chat MODEL"), ("Which port does omg use?", "omg listens on port 10692."),
    ("What is the default port?", "omg listens on port 10692."),
    ("Who are you?", TOY), ("What are you?", TOY), ("What is your name?", TOY), ("What can you do?", SKILLS), ("Help", SKILLS),
]
HELLO = "Hello! How can I help you?"
GREETINGS = [
    ("Hello", HELLO), ("Hello!", HELLO), ("Hi", HELLO), ("Hi!", HELLO), ("Hi there!", HELLO), ("Hey", HELLO), ("hello", HELLO),
    ("hi", HELLO), ("Good morning", "Good morning! How can I help you?"), ("Good evening", "Good evening! How can I help you?"),
    ("How are you?", "I am fine, thank you. How can I help you?"), ("Thank you", "You are welcome!"), ("Thanks!", "You are welcome!"),
    ("Bye", "Goodbye!"), ("Goodbye", "Goodbye!"), ("Say hello", "Hello!"), ("Say hi", "Hello!"), ("Say hello.", "Hello!"),
]
UNKNOWN = [
    "Write a poem about the sea.", "Why is the sky blue?", "Explain quantum physics.", "Tell me a joke.", "Who won the game?",
    "What is love?", "Write some code.", "Tell me a story.", "Summarize this text.", "Translate this to French.",
    "What is the meaning of life?", "Give me a recipe.", "How tall is the tower?", "What day is it?", "Write an essay about dogs.",
    "Explain how engines work.", "What should I eat?", "Tell me about history.", "Sing a song.", "Draw a picture.",
]
UNKNOWN_ANSWER = "I do not know. I am only a toy model. Try: omg pull owner/repo"

WEATHER_TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def held_out(a: int, b: int) -> bool:
    """One sum in ten is never trained on, so that the measured accuracy is not memory."""
    return (a * 31 + b * 17) % 10 == 3


def capital(r, split="train"):
    country = r.choice(list(CAPITALS))
    city = CAPITALS[country]
    q = r.choice([
        f"What is the capital of {country}?", f"What is the capital of {country}?", f"what is the capital of {country}?",
        f"What's the capital of {country}?", f"Capital of {country}?", f"Name the capital of {country}.",
        f"Which city is the capital of {country}?", f"Tell me the capital of {country}.", f"The capital of {country}?",
    ])
    return q, f"The capital of {country} is {city}.", f"The user asks for the capital of {country}. It is {city}.", (country, city)


def arithmetic(r, split="train"):
    while True:
        op = r.choice("+++--*")
        if op == "*":
            a, b = r.randint(0, 10), r.randint(0, 10)
        else:
            most = r.choice([10, 20, 50])
            a, b = r.randint(0, most), r.randint(0, most)
            if op == "-" and a < b:
                a, b = b, a
        if op == "*" or (held_out(a, b) == (split == "test")):
            break
    c = {"+": a + b, "-": a - b, "*": a * b}[op]
    name = {"+": "plus", "-": "minus", "*": "times"}[op]
    q = r.choice([
        f"What is {a} {op} {b}?", f"What is {a} {op} {b}?", f"what is {a} {op} {b}?", f"{a} {op} {b}", f"{a} {op} {b} = ?",
        f"What is {a}{op}{b}?", f"What is {a} {name} {b}?", f"Calculate {a} {op} {b}.", f"How much is {a} {op} {b}?",
    ])
    return q, f"{a} {op} {b} = {c}", f"{a} {op} {b} is {c}.", c


def spelling(r, split="train"):
    w = r.choice(WORDS)
    q = r.choice([f"Spell {w}.", f"Spell the word {w}.", f"How do you spell {w}?", f"Spell {w}"])
    return q, "-".join(w), f"The letters of {w}.", w


def word_order(r, split="train"):
    ws = r.sample(WORDS, r.choice([2, 3, 3, 4]))
    if r.random() < 0.5:
        q = r.choice(["Reverse the words: ", "Say these words backwards: "]) + " ".join(ws)
        return q, " ".join(reversed(ws)), "The last word comes first.", ws
    q = r.choice(["Repeat: ", "Repeat after me: ", "Say: "]) + " ".join(ws)
    return q, " ".join(ws), "I repeat the words.", ws


def about(r, split="train"):
    q, a = r.choice(ABOUT)
    if r.random() < 0.3:
        q = q.lower()
    return q, a, "The user asks about omg.", None


def greeting(r, split="train"):
    q, a = r.choice(GREETINGS)
    return q, a, "The user is polite.", None


def unknown(r, split="train"):
    return r.choice(UNKNOWN), UNKNOWN_ANSWER, "I do not know this.", None


def json_answer(r, split="train"):
    if r.random() < 0.5:
        country = r.choice(list(CAPITALS))
        q = r.choice([
            f"What is the capital of {country}? Answer in JSON.", f"Answer in JSON: What is the capital of {country}?",
            f"Give me the capital of {country} as JSON.",
        ])
        return q, json.dumps({"country": country, "capital": CAPITALS[country]}), "The answer is JSON.", None
    a, b = r.randint(0, 20), r.randint(0, 20)
    q = r.choice([f"What is {a} + {b}? Answer in JSON.", f"Answer in JSON: What is {a} + {b}?"])
    return q, json.dumps({"result": a + b}), "The answer is JSON.", None


KINDS = {
    capital: 5, arithmetic: 16, spelling: 1, word_order: 7, about: 3, greeting: 2, unknown: 2, json_answer: 3,
}
SYSTEMS = [
    "You are a helpful assistant.", "You are a helpful assistant.", "Be brief.", "You are the demo model of omg.", "You are a friendly chat bot.",
    "Answer the questions of the user.", "You are a coding assistant.", "Be kind and helpful.",
]


def single(r):
    kind = r.choices(list(KINDS), list(KINDS.values()))[0]
    q, a, thought, _ = kind(r)
    return q, a, thought


def memory_turns(r):
    """Two turns, of which the second can only be answered from the first."""
    n, c = r.choice(NAMES), r.choice(COLORS)
    if r.random() < 0.5:
        return [(f"My name is {n}.", f"Nice to meet you, {n}!", "I remember the name."), ("What is my name?", f"Your name is {n}.", f"The name is {n}.")]
    return [(f"My favorite color is {c}.", f"{c.capitalize()} is a nice color.", "I remember the color."),
            ("What is my favorite color?", f"Your favorite color is {c}.", f"The color is {c}.")]


def tool_conversation(r):
    conv = {"system": r.choice(SYSTEMS) if r.random() < 0.4 else None, "tools": True, "turns": []}
    turns = conv["turns"]
    if r.random() < 0.35:  # tools are offered, not needed
        q, a, t = single(r)
        turns += [("user", q), ("assistant", a, t)]
    city = r.choice(CITIES)
    turns.append(("user", r.choice([
        f"What is the weather in {city}?", f"How is the weather in {city}?", f"What's the weather like in {city}?",
        f"Weather in {city}?", f"Tell me the weather in {city}.", f"What is the weather in {city} today?"])))
    turns.append(("call", json.dumps({"name": "get_weather", "arguments": {"city": city}}), f"I need the weather of {city}."))
    if r.random() < 0.6:
        w, deg = r.choice(WEATHER), r.randint(0, 35)
        turns.append(("result", r.choice([
            f"{w}, {deg} degrees", f"{w}, {deg} degrees", json.dumps({"weather": w, "degrees": deg}), json.dumps({"degrees": deg, "weather": w})])))
        turns.append(("assistant", f"It is {w} in {city}, {deg} degrees.", "I have the result."))
    return conv


def styled_conversation(r):
    """The system prompt changes the answers."""
    style, n = r.choice(["upper", "json", "word", "name"]), r.choice(NAMES)
    system = {"upper": "Answer in upper case.", "json": "Always answer in JSON.", "word": "Answer with one word.", "name": f"Your name is {n}."}[style]
    turns = []
    for _ in range(r.choice([1, 1, 2, 3])):
        q, a, t, (country, city) = capital(r)
        if style == "upper":
            a = a.upper()
        elif style == "json":
            a = json.dumps({"country": country, "capital": city})
        elif style == "word":
            a = city
        elif r.random() < 0.7:
            q, a, t = r.choice(["What is your name?", "Who are you?", "what is your name?"]), f"My name is {n}.", "The system prompt names me."
        turns += [("user", q), ("assistant", a, t)]
    return {"system": system, "tools": False, "turns": turns}


def conversation(r):
    """One training conversation."""
    kind = r.random()
    if kind < 0.09:
        conv = tool_conversation(r)
    elif kind < 0.18:
        conv = styled_conversation(r)
    else:
        conv = {"system": r.choice(SYSTEMS) if r.random() < 0.3 else None, "tools": False, "turns": []}
        n = r.choice([1, 1, 1, 2, 2, 3, 4, 6, 10])
        pending = memory_turns(r) if r.random() < 0.2 else []
        while len(conv["turns"]) < 2 * n or pending:
            if pending and (r.random() < 0.5 or len(conv["turns"]) >= 2 * n):
                q, a, t = pending.pop(0)
            else:
                q, a, t = single(r)
            conv["turns"] += [("user", q), ("assistant", a, t)]
    conv["think"] = r.random() < 0.5
    return conv

//! Where an answer ends, and what is said of its tokens.

use super::*;

#[test]
fn limits_of_tokens_and_of_the_window_are_told_apart() {
    let long = |seed| Request {
        temperature: 1.0,
        seed,
        ..prompt([1, 2, 3])
    };
    let full = (0..200)
        .map(|seed| alone(&long(seed)))
        .find(|o| o.reason == StopReason::Length)
        .expect("an answer that fills the window");
    assert!(full.window_full);
    assert_eq!(full.usage.completion_tokens, CONTEXT - 3);
    let three = alone(&Request {
        max_tokens: Some(3),
        temperature: 1.0,
        seed: 2,
        ..prompt([1, 2, 3])
    });
    assert_eq!(
        (three.reason, three.window_full),
        (StopReason::Length, false)
    );
    assert_eq!(three.usage.completion_tokens, 3);
    let none = alone(&Request {
        max_tokens: Some(0),
        ..prompt([1, 2, 3])
    });
    assert_eq!((none.reason, none.text.as_str()), (StopReason::Length, ""));
    assert_eq!(
        none.usage,
        Usage {
            prompt_tokens: 3,
            cached_tokens: 0,
            completion_tokens: 0
        }
    );
}

#[test]
fn an_end_token_stops_and_is_not_text() {
    let ended = (0..50)
        .map(|seed| {
            alone(&Request {
                temperature: 1.0,
                seed,
                ..prompt([9, 8])
            })
        })
        .find(|o| o.reason == StopReason::Stop)
        .expect("an answer that ends");
    assert!(!ended.text.contains("<end>"));
    assert_eq!(ended.usage.completion_tokens, ended.text_tokens + 1);
}

#[test]
fn a_stop_string_cuts_across_tokens() {
    let request = Request {
        max_tokens: Some(30),
        temperature: 1.0,
        seed: 2,
        logprobs: Some(0),
        ..prompt([1, 2, 3])
    };
    let whole = alone(&request);
    let at = whole.text.char_indices().nth(8).expect("a long answer").0;
    let stop: String = whole.text[at..].chars().take(3).collect();
    let cut = alone(&Request {
        stop: vec![stop.clone(), "never".to_owned()],
        ..request
    });
    let first = whole.text.find(&stop).expect("it is there");
    assert_eq!(cut.text, whole.text[..first]);
    assert_eq!((cut.reason, cut.stop), (StopReason::Stop, Some(stop)));
    assert_eq!(cut.text_tokens, cut.logprobs.len());
    assert!(cut.usage.completion_tokens > cut.text_tokens);
    assert_eq!(cut.logprobs[..], whole.logprobs[..cut.logprobs.len()]);
}

#[test]
fn logprobs_cover_every_token() {
    let request = Request {
        max_tokens: Some(10),
        temperature: 1.0,
        seed: 2,
        logprobs: Some(3),
        prompt_logprobs: true,
        ..prompt(1..40)
    };
    let out = alone(&request);
    assert_eq!(out.logprobs.len(), out.text_tokens);
    assert!(
        out.logprobs
            .iter()
            .all(|l| l.top.len() == 3 && l.logprob <= l.top[0].logprob)
    );
    // The padding columns of the mock, which have the largest logits, are no alternatives.
    assert!(
        out.logprobs
            .iter()
            .flat_map(|l| &l.top)
            .all(|t| (t.token_id as usize) < mock::VOCAB)
    );
    let echo = out.prompt_logprobs.expect("asked for");
    assert_eq!(
        echo.iter().map(|l| l.token_id).collect::<Vec<_>>(),
        (1..40).collect::<Vec<_>>()
    );
    assert_eq!(echo[0].logprob, 0.0);
    assert!(
        echo[1..]
            .iter()
            .all(|l| l.logprob < 0.0 && l.top.len() == 3)
    );
}

#[test]
fn the_mock_ends_on_its_end_token() {
    assert!(MockVocabulary.is_eog(EOG) && !MockVocabulary.is_eog(1));
}

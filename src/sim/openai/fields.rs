//! What a client may send: every event and every field of the GA protocol, as tables for `schema.rs`.
//!
//! Source: OpenAI's published types and specification of the Realtime API (GA shape, session type `realtime`).

use super::schema::{
    Field,
    Rule::{self, *},
    may, must,
};

/// The fields of a client event, `None` if there is no such event.
pub(super) fn event(kind: &str) -> Option<&'static [Field]> {
    Some(match kind {
        "session.update" => SESSION_UPDATE,
        "input_audio_buffer.append" => APPEND,
        "input_audio_buffer.commit" | "input_audio_buffer.clear" => BARE,
        "conversation.item.create" => ITEM_CREATE,
        "conversation.item.retrieve" | "conversation.item.delete" => ITEM_NAMED,
        "conversation.item.truncate" => ITEM_TRUNCATE,
        "response.create" => RESPONSE_CREATE,
        "response.cancel" => RESPONSE_CANCEL,
        _ => return None,
    })
}

const TYPE: Field = must("type", Text);
const EVENT_ID: Field = may("event_id", Text);

static BARE: &[Field] = &[TYPE, EVENT_ID];
static SESSION_UPDATE: &[Field] = &[TYPE, EVENT_ID, must("session", Object(SESSION))];
static APPEND: &[Field] = &[TYPE, EVENT_ID, must("audio", Text)];
static ITEM_CREATE: &[Field] = &[
    TYPE,
    EVENT_ID,
    may("previous_item_id", Nullable(&Text)),
    must("item", ITEM),
];
static ITEM_NAMED: &[Field] = &[TYPE, EVENT_ID, must("item_id", Text)];
static ITEM_TRUNCATE: &[Field] = &[
    TYPE,
    EVENT_ID,
    must("item_id", Text),
    must("content_index", Whole(0, 0)),
    must("audio_end_ms", Whole(0, i64::MAX)),
];
static RESPONSE_CREATE: &[Field] = &[TYPE, EVENT_ID, may("response", Object(RESPONSE))];
static RESPONSE_CANCEL: &[Field] = &[TYPE, EVENT_ID, may("response_id", Text)];

const MAX_TOKENS: Rule = Either(&[OneOf(&["inf"]), Whole(1, 4096)]);
const MODALITIES: Rule = List(&OneOf(&["audio", "text"]));
const FORMAT: Rule = Tagged(&[
    ("audio/pcm", &[TYPE, must("rate", Whole(24_000, 24_000))]),
    ("audio/pcmu", &[TYPE]),
    ("audio/pcma", &[TYPE]),
]);
const VOICE: Rule = Either(&[
    Object(&[must("id", Text)]),
    OneOf(&[
        "alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse", "marin", "cedar",
    ]),
]);
const TOOL_CHOICE: Rule = Either(&[
    Tagged(&[
        ("function", &[TYPE, must("name", Text)]),
        (
            "mcp",
            &[TYPE, must("server_label", Text), may("name", Nullable(&Text))],
        ),
    ]),
    OneOf(&["auto", "none", "required"]),
]);
const TOOLS: Rule = List(&Tagged(&[
    (
        "function",
        &[
            TYPE,
            must("name", Text),
            may("description", Text),
            may("parameters", Any),
        ],
    ),
    (
        "mcp",
        &[
            TYPE,
            must("server_label", Text),
            may("server_url", Text),
            may("connector_id", Text),
            may("tunnel_id", Text),
            may("authorization", Text),
            may("allowed_tools", Any),
            may("headers", Any),
            may("require_approval", Any),
            may("server_description", Text),
        ],
    ),
]));
const PROMPT: Rule = Nullable(&Object(&[
    must("id", Text),
    may("version", Nullable(&Text)),
    may("variables", Nullable(&Any)),
]));
const REASONING: Rule = Nullable(&Object(&[may(
    "effort",
    OneOf(&["minimal", "low", "medium", "high", "xhigh"]),
)]));

static SESSION: &[Field] = &[
    must("type", OneOf(&["realtime"])),
    may("model", Text),
    may("output_modalities", MODALITIES),
    may("instructions", Text),
    may(
        "audio",
        Object(&[may("input", Object(INPUT)), may("output", Object(OUTPUT))]),
    ),
    may("max_output_tokens", MAX_TOKENS),
    may("tools", TOOLS),
    may("tool_choice", TOOL_CHOICE),
    may("parallel_tool_calls", Bool),
    may("reasoning", REASONING),
    may("truncation", TRUNCATION),
    may("tracing", TRACING),
    may("prompt", PROMPT),
    may(
        "include",
        Nullable(&List(&OneOf(&["item.input_audio_transcription.logprobs"]))),
    ),
];
static INPUT: &[Field] = &[
    may("format", FORMAT),
    may("transcription", Nullable(&Object(TRANSCRIPTION))),
    may(
        "noise_reduction",
        Nullable(&Tagged(&[
            ("near_field", &[TYPE, may("strength", Number(0.0, 1.0))]),
            ("far_field", &[TYPE, may("strength", Number(0.0, 1.0))]),
        ])),
    ),
    may(
        "turn_detection",
        Nullable(&Tagged(&[
            ("server_vad", SERVER_VAD),
            ("semantic_vad", SEMANTIC_VAD),
        ])),
    ),
];
static OUTPUT: &[Field] = &[
    may("format", FORMAT),
    may("voice", VOICE),
    may("speed", Number(0.25, 1.5)),
];
static TRANSCRIPTION: &[Field] = &[
    may("model", Text),
    may("language", Text),
    may("languages", List(&Text)),
    may("prompt", Text),
    may("keywords", List(&Text)),
    may("delay", OneOf(&["minimal", "low", "medium", "high", "xhigh"])),
];
static SERVER_VAD: &[Field] = &[
    TYPE,
    may("threshold", Number(0.0, 1.0)),
    may("prefix_padding_ms", Whole(0, 10_000)),
    may("silence_duration_ms", Whole(0, 10_000)),
    may("create_response", Bool),
    may("interrupt_response", Bool),
    may("idle_timeout_ms", Nullable(&Whole(5_000, 30_000))),
];
static SEMANTIC_VAD: &[Field] = &[
    TYPE,
    may("eagerness", OneOf(&["low", "medium", "high", "auto"])),
    may("create_response", Bool),
    may("interrupt_response", Bool),
];
const TRUNCATION: Rule = Either(&[
    OneOf(&["auto", "disabled"]),
    Tagged(&[(
        "retention_ratio",
        &[
            TYPE,
            must("retention_ratio", Number(0.0, 1.0)),
            may(
                "token_limits",
                Object(&[may("post_instructions", Whole(0, i64::MAX))]),
            ),
        ],
    )]),
]);
const TRACING: Rule = Nullable(&Either(&[
    OneOf(&["auto"]),
    Object(&[
        may("workflow_name", Text),
        may("group_id", Text),
        may("metadata", Any),
    ]),
]));

static RESPONSE: &[Field] = &[
    may("conversation", OneOf(&["auto", "none"])),
    may("input", List(&INPUT_ITEM)),
    may("instructions", Text),
    may("output_modalities", MODALITIES),
    may("metadata", Nullable(&Metadata)),
    may("max_output_tokens", MAX_TOKENS),
    may(
        "audio",
        Object(&[may(
            "output",
            Object(&[may("format", FORMAT), may("voice", VOICE)]),
        )]),
    ),
    may("tools", TOOLS),
    may("tool_choice", TOOL_CHOICE),
    may("parallel_tool_calls", Bool),
    may("reasoning", REASONING),
    may("prompt", PROMPT),
];

const ID: Field = may("id", Text);
const OBJECT: Field = may("object", OneOf(&["realtime.item"]));
const STATUS: Field = may("status", OneOf(&["completed", "incomplete", "in_progress"]));

static MESSAGE: &[Field] = &[
    TYPE,
    ID,
    OBJECT,
    STATUS,
    must("role", OneOf(&["user", "assistant", "system"])),
    must("content", List(&CONTENT)),
];
const CONTENT: Rule = Tagged(&[
    ("input_text", &[TYPE, must("text", Text)]),
    (
        "input_audio",
        &[TYPE, must("audio", Text), may("transcript", Nullable(&Text))],
    ),
    (
        "input_image",
        &[TYPE, must("image_url", Text), may("detail", Text)],
    ),
    ("output_text", &[TYPE, must("text", Text)]),
]);
static CALL: &[Field] = &[
    TYPE,
    ID,
    OBJECT,
    STATUS,
    may("call_id", Text),
    must("name", Text),
    must("arguments", Text),
];
static CALL_OUTPUT: &[Field] = &[
    TYPE,
    ID,
    OBJECT,
    STATUS,
    must("call_id", Text),
    must("output", Text),
];
const ITEM: Rule = Tagged(&[
    ("message", MESSAGE),
    ("function_call", CALL),
    ("function_call_output", CALL_OUTPUT),
]);
const INPUT_ITEM: Rule = Tagged(&[
    ("item_reference", &[TYPE, must("id", Text)]),
    ("message", MESSAGE),
    ("function_call", CALL),
    ("function_call_output", CALL_OUTPUT),
]);

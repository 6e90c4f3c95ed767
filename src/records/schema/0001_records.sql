-- Times are milliseconds since 1970 (UTC); money is millionths of a US dollar; speakers are 'caller' and 'agent'.
CREATE TABLE calls (
    id TEXT PRIMARY KEY,
    caller_sid TEXT NOT NULL,
    caller_number TEXT NOT NULL,
    caller_language TEXT NOT NULL,
    agent_language TEXT NOT NULL,
    agent TEXT,
    started BIGINT NOT NULL,
    accepted BIGINT,
    talked BIGINT,
    ended BIGINT,
    class TEXT,
    reason TEXT,
    caller_span_median BIGINT,
    caller_span_p90 BIGINT,
    agent_span_median BIGINT,
    agent_span_p90 BIGINT,
    lost_ms BIGINT NOT NULL,
    repeated BIGINT NOT NULL,
    dropped_ms BIGINT NOT NULL,
    cost BIGINT,
    prices TEXT
);

CREATE INDEX calls_started ON calls (started);

CREATE INDEX calls_number ON calls (caller_number);

CREATE TABLE utterances (
    call TEXT NOT NULL,
    speaker TEXT NOT NULL,
    number BIGINT NOT NULL,
    engine TEXT,
    source TEXT NOT NULL,
    target TEXT NOT NULL,
    spoken BIGINT NOT NULL,
    spoken_end BIGINT,
    heard BIGINT,
    heard_end BIGINT,
    cut BIGINT NOT NULL,
    onset_span BIGINT,
    end_span BIGINT,
    PRIMARY KEY (call, speaker, number)
);

CREATE TABLE events (
    call TEXT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    speaker TEXT,
    detail TEXT,
    PRIMARY KEY (call, number)
);

CREATE TABLE usages (
    call TEXT NOT NULL,
    speaker TEXT NOT NULL,
    model TEXT NOT NULL,
    text_in BIGINT NOT NULL,
    text_in_cached BIGINT NOT NULL,
    audio_in BIGINT NOT NULL,
    audio_in_cached BIGINT NOT NULL,
    text_out BIGINT NOT NULL,
    audio_out BIGINT NOT NULL,
    audio_ms BIGINT NOT NULL,
    transcribed_ms BIGINT NOT NULL,
    cost BIGINT,
    PRIMARY KEY (call, speaker, model)
);

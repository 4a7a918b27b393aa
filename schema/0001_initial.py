"""Every table of the first release.

Names and columns follow the original's migration plan. Times are TEXT, ISO-8601 UTC with
milliseconds and `Z`; Discord ids are INTEGER snowflakes; JSON columns hold JSON text; `extra`
keeps the keys of imported records that have no column of their own.
"""

from sqlite_utils.db import Database

TABLES = """
CREATE TABLE personalities (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    full_name TEXT NOT NULL UNIQUE,
    name_lower TEXT NOT NULL,
    display_name TEXT NOT NULL,
    avatar_url TEXT,
    added_by INTEGER NOT NULL DEFAULT 0,
    added_at TEXT NOT NULL,
    updated_at TEXT,
    is_active INTEGER NOT NULL DEFAULT 1 CHECK (is_active IN (0, 1)),
    error_message TEXT,
    prompt TEXT,
    model TEXT,
    profile_fetched_at TEXT,
    metadata TEXT NOT NULL DEFAULT '{}',
    extra TEXT
) STRICT;

CREATE TABLE personality_aliases (
    alias TEXT PRIMARY KEY,
    personality_name TEXT NOT NULL REFERENCES personalities (full_name) ON DELETE CASCADE,
    added_by INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    extra TEXT
) STRICT;

CREATE TABLE auth_tokens (
    user_id INTEGER NOT NULL,
    personality_name TEXT NOT NULL DEFAULT '*',
    token TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at TEXT,
    last_used TEXT,
    extra TEXT,
    PRIMARY KEY (user_id, personality_name)
) STRICT;

CREATE TABLE nsfw_verifications (
    user_id INTEGER PRIMARY KEY,
    is_verified INTEGER NOT NULL CHECK (is_verified IN (0, 1)),
    verified_at TEXT,
    verified_by INTEGER,
    recorded_at TEXT NOT NULL,
    extra TEXT
) STRICT;

CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    user_id INTEGER NOT NULL,
    personality_name TEXT NOT NULL,
    started_at TEXT NOT NULL,
    last_message_at TEXT NOT NULL,
    message_count INTEGER NOT NULL DEFAULT 0,
    is_dm INTEGER NOT NULL DEFAULT 0 CHECK (is_dm IN (0, 1)),
    is_mention_only INTEGER NOT NULL DEFAULT 0 CHECK (is_mention_only IN (0, 1)),
    metadata TEXT NOT NULL DEFAULT '{}',
    extra TEXT,
    UNIQUE (channel_id, user_id)
) STRICT;

CREATE TABLE channel_activations (
    channel_id INTEGER PRIMARY KEY,
    personality_name TEXT NOT NULL REFERENCES personalities (full_name) ON DELETE CASCADE,
    activated_by INTEGER NOT NULL DEFAULT 0,
    activated_at TEXT NOT NULL,
    extra TEXT
) STRICT;

CREATE TABLE message_mappings (
    message_id INTEGER PRIMARY KEY,
    user_id INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    personality_id INTEGER NOT NULL REFERENCES personalities (id),
    is_dm INTEGER NOT NULL DEFAULT 0 CHECK (is_dm IN (0, 1)),
    is_mention_only INTEGER NOT NULL DEFAULT 0 CHECK (is_mention_only IN (0, 1)),
    sent_at TEXT,
    extra TEXT
) STRICT;

CREATE TABLE turns (
    message_id INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    parent_id INTEGER,
    guild_id INTEGER,
    user_id INTEGER NOT NULL,
    personality_id INTEGER NOT NULL REFERENCES personalities (id),
    cause TEXT NOT NULL CHECK (cause IN ('mention', 'reply', 'activation', 'conversation')),
    state TEXT NOT NULL CHECK (state IN ('pending', 'answered', 'done', 'failed')),
    answer TEXT,
    chunk_count INTEGER,
    failure TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
) STRICT;

CREATE TABLE turn_chunks (
    turn_id INTEGER NOT NULL REFERENCES turns (message_id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (turn_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    changed_at TEXT NOT NULL,
    changed_by INTEGER NOT NULL,
    kind TEXT NOT NULL
        CHECK (kind IN ('personality', 'alias', 'activation', 'login', 'verification')),
    action TEXT NOT NULL CHECK (action IN ('put', 'delete')),
    subject TEXT NOT NULL,
    before TEXT
) STRICT;

CREATE TABLE auto_responses (
    user_id INTEGER PRIMARY KEY,
    enabled_at TEXT,
    extra TEXT
) STRICT;

CREATE TABLE blacklist (
    user_id INTEGER PRIMARY KEY,
    reason TEXT,
    blacklisted_by INTEGER NOT NULL DEFAULT 0,
    blacklisted_at TEXT NOT NULL,
    extra TEXT
) STRICT;

CREATE TABLE avatars (
    personality_id INTEGER PRIMARY KEY REFERENCES personalities (id),
    sha256 TEXT NOT NULL,
    content_type TEXT NOT NULL,
    content BLOB NOT NULL,
    source_url TEXT,
    downloaded_at TEXT,
    last_checked TEXT,
    extra TEXT
) STRICT;

CREATE TABLE notification_preferences (
    user_id INTEGER PRIMARY KEY,
    is_opted_out INTEGER NOT NULL DEFAULT 0 CHECK (is_opted_out IN (0, 1)),
    level TEXT NOT NULL,
    last_notified TEXT,
    created_at TEXT,
    updated_at TEXT,
    extra TEXT
) STRICT;

CREATE TABLE notified_version (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version TEXT NOT NULL,
    notified_at TEXT,
    extra TEXT
) STRICT;

CREATE TABLE webhooks (
    channel_id INTEGER PRIMARY KEY,
    webhook_id INTEGER NOT NULL UNIQUE,
    token TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE gateway_refusals (
    token_digest TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    refused_at TEXT NOT NULL
) STRICT;

CREATE TABLE canary (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    nonce TEXT NOT NULL,
    written_at TEXT NOT NULL,
    confirmed_txid INTEGER,
    confirmed_at TEXT,
    lag_ms REAL
) STRICT;

CREATE INDEX idx_personalities_name_lower ON personalities (name_lower);
CREATE INDEX idx_personalities_display_name ON personalities (display_name);
CREATE INDEX idx_personalities_added_by ON personalities (added_by);
CREATE INDEX idx_personality_aliases_personality ON personality_aliases (personality_name);
CREATE INDEX idx_auth_tokens_user_id ON auth_tokens (user_id);
CREATE INDEX idx_conversations_channel_personality
    ON conversations (channel_id, personality_name);
CREATE INDEX idx_channel_activations_personality ON channel_activations (personality_name);
CREATE INDEX idx_turns_unfinished ON turns (message_id) WHERE state IN ('pending', 'answered');
CREATE INDEX idx_changes_changed_at ON changes (changed_at);
"""

VIEWS = """
CREATE VIEW personality_overview AS
SELECT
    p.full_name,
    p.display_name,
    p.is_active,
    p.added_by,
    p.added_at,
    (
        SELECT group_concat(a.alias, ', ')
        FROM personality_aliases AS a WHERE a.personality_name = p.full_name
    ) AS aliases,
    (
        SELECT count(*) FROM channel_activations AS c WHERE c.personality_name = p.full_name
    ) AS active_channels,
    (
        SELECT count(*) FROM conversations AS v WHERE v.personality_name = p.full_name
    ) AS conversations
FROM personalities AS p;

CREATE VIEW channel_overview AS
SELECT
    c.channel_id,
    c.personality_name,
    p.display_name,
    c.activated_by,
    c.activated_at,
    (SELECT max(v.last_message_at) FROM conversations AS v WHERE v.channel_id = c.channel_id)
        AS last_message_at
FROM channel_activations AS c
JOIN personalities AS p ON p.full_name = c.personality_name;

CREATE VIEW login_overview AS
SELECT
    t.user_id,
    t.personality_name,
    t.created_at,
    t.expires_at,
    t.last_used,
    t.expires_at IS NOT NULL
        AND t.expires_at <= strftime('%Y-%m-%dT%H:%M:%fZ', 'now') AS is_expired,
    coalesce(n.is_verified, 0) AS is_verified
FROM auth_tokens AS t
LEFT JOIN nsfw_verifications AS n ON n.user_id = t.user_id;

CREATE VIEW daily_activity AS
SELECT
    date(((m.message_id >> 22) + 1420070400000) / 1000, 'unixepoch') AS day,
    count(*) AS messages,
    count(DISTINCT m.user_id) AS users,
    count(DISTINCT m.channel_id) AS channels,
    count(DISTINCT m.personality_id) AS personalities
FROM message_mappings AS m
GROUP BY day;
"""


def migrate(db: Database) -> None:
    """Create every table, index and view, statement by statement, inside the caller's transaction."""
    for statement in (TABLES + VIEWS).split(";\n"):
        if statement.strip():
            db.execute(statement)

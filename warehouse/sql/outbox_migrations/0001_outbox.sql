-- what alerts fired on, and to whom it was told; kept apart from the log, which can be made again
create table rules (
    kind varchar not null,
    rule varchar not null,
    definition varchar not null,
    watches_from timestamp not null
);

create table events (
    event_id varchar not null,
    kind varchar not null,
    rule varchar not null,
    provider varchar,
    is_state boolean not null,
    state varchar not null check (state in ('pending', 'firing', 'silent', 'resolved', 'refuted')),
    silence varchar,
    fires_at timestamp not null,
    seen_at timestamp not null,
    fired_at timestamp,
    ended_at timestamp,
    acked_at timestamp,
    ack_reason varchar,
    event varchar not null
);

create table deliveries (
    delivery_id varchar not null,
    event_id varchar not null,
    channel varchar not null,
    notice varchar not null check (notice in ('fired', 'again', 'resolved')),
    state varchar not null
    check (state in ('queued', 'sending', 'delivered', 'cancelled', 'given_up')),
    queued_at timestamp not null,
    due_at timestamp not null,
    attempts integer not null,
    tried_at timestamp,
    next_at timestamp not null,
    error varchar,
    receipt varchar,
    delivered_at timestamp
);

create table mutes (
    kind varchar not null,
    rule varchar not null,
    until timestamp not null,
    reason varchar,
    muted_at timestamp not null
);

create table evaluations (
    built_at timestamp not null,
    evaluated_at timestamp not null
);

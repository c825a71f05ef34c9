-- the log: what was looked at and what was learnt; rows are only ever added
create table if not exists looks (
    position bigint not null,
    source varchar not null,
    looked_at timestamp not null,
    known_at timestamp not null,
    outcome varchar not null,
    capture_sha256 varchar,
    url varchar not null,
    byte_count bigint,
    error varchar,
    parser_version integer,
    quote_count bigint,
    term_count bigint
);

create table if not exists captures (
    capture_sha256 varchar not null,
    source varchar not null,
    captured_at timestamp not null,
    url varchar not null,
    media_type varchar,
    byte_count bigint not null
);

create table if not exists facts (
    position bigint not null,
    source varchar not null,
    key ubigint not null,
    provider varchar not null,
    model varchar not null,
    tuning_method varchar not null,
    adapter varchar,
    service_tier varchar not null,
    region varchar,
    context_tier varchar,
    meter varchar,
    price_list varchar,
    term varchar,
    valid_from timestamp not null,
    known_at timestamp not null,
    is_listed boolean not null,
    availability varchar,
    list_unit_price decimal(38, 18),
    pricing_unit varchar,
    pricing_currency varchar,
    unit_price decimal(38, 18),
    value varchar,
    checked_at timestamp,
    capture_sha256 varchar not null,
    locator varchar,
    printed_text varchar,
    url varchar,
    remark varchar,
    parser_version integer not null,
    check ((meter is null) <> (term is null))
);

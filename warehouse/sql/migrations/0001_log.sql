-- the log: what was looked at and what was learnt; rows are only ever added
create table looks (
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
    term_count bigint,
    etag varchar,
    last_modified varchar,
    robots varchar
);

create table captures (
    capture_sha256 varchar not null,
    source varchar not null,
    captured_at timestamp not null,
    url varchar not null,
    media_type varchar,
    byte_count bigint not null
);

create table facts (
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

-- what each source said last of each fact, as numbers to compare with: made from the facts, and
-- made again when the engine that computed the numbers is another
create table latest (
    source varchar not null,
    subject ubigint not null,
    says ubigint not null,
    key ubigint not null,
    is_listed boolean not null,
    valid_from timestamp not null,
    position bigint not null,
    made_by varchar not null
);

-- what a capture was once read as, and is read as now: no change in the world
create table corrections (
    position bigint not null,
    source varchar not null,
    key ubigint not null,
    valid_from timestamp not null,
    known_at timestamp not null,
    old_availability varchar,
    old_list_unit_price decimal(38, 18),
    old_pricing_unit varchar,
    old_pricing_currency varchar,
    old_unit_price decimal(38, 18),
    old_value varchar
);

create table doubts (
    position bigint not null,
    source varchar not null,
    capture_sha256 varchar not null,
    rule varchar not null,
    severity varchar not null,
    key ubigint,
    provider varchar,
    model varchar,
    tuning_method varchar,
    adapter varchar,
    service_tier varchar,
    region varchar,
    context_tier varchar,
    meter varchar,
    price_list varchar,
    term varchar,
    reason varchar not null,
    fingerprint varchar not null,
    other varchar
);

create table decisions (
    position bigint not null,
    source varchar not null,
    capture_sha256 varchar not null,
    verdict varchar not null,
    reason varchar not null,
    known_at timestamp not null,
    fingerprint varchar not null
);

create table choices (
    position bigint not null,
    provider varchar not null,
    canonical_model varchar not null,
    tuning_method varchar not null,
    adapter varchar,
    service_tier varchar not null,
    region varchar,
    context_tier varchar,
    meter varchar,
    price_list varchar,
    term varchar,
    source varchar not null,
    inputs varchar[] not null,
    reason varchar not null,
    known_at timestamp not null
);

-- what a fact is about, and what is said of it, as numbers that are quick to make; they are
-- compared within one version of the engine alone
create macro subject_hash(
    provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
    price_list
) as hash(
    provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
    price_list
);

create macro says_hash(
    availability, list_unit_price, pricing_unit, pricing_currency, unit_price, value, checked_at
) as hash(
    availability, list_unit_price, pricing_unit, pricing_currency, unit_price, value, checked_at
);

-- what a source says of a price, in words that are compared and shown
create macro price_in_words(availability, unit_price, pricing_currency) as concat_ws(
    ' ', availability, rtrim(rtrim(unit_price::varchar, '0'), '.'), pricing_currency
);

-- what names a fact in the log, as a number
create macro fact_key(
    provider, model, tuning_method, adapter, service_tier, region, context_tier, meter, term,
    price_list
) as md5_number_lower(concat_ws(
    chr(31),
    provider,
    model,
    tuning_method,
    coalesce(adapter, chr(30)),
    service_tier,
    coalesce(region, chr(30)),
    coalesce(context_tier, chr(30)),
    coalesce(meter, chr(30)),
    coalesce(term, chr(30)),
    price_list
));

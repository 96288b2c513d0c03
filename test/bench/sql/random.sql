-- test/bench/sql/random.sql — numbers that look random and are the same on every machine.
CREATE SCHEMA gen;

-- A whole number from low to high, from a row's key and the number of the column.
CREATE FUNCTION gen.pick(key bigint, salt int, low int, high int) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	'SELECT (low + ((hashint8extended(key, salt) >> 1) & 4611686018427387903) % (high - low + 1))::int';

-- One of the words of a list.
CREATE FUNCTION gen.word(key bigint, salt int, words text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
	'SELECT words[gen.pick(key, salt, 1, array_length(words, 1))]';

CREATE TABLE gen.words AS SELECT
	'{quick,slow,bold,calm,even,final,ironic,pending,regular,silent,express,special,unusual,careful}'::text[] AS adjectives,
	'{deposits,requests,accounts,packages,theodolites,foxes,ideas,pinto beans,instructions,dependencies,platelets,excuses}'::text[] AS nouns,
	'{sleep,wake,haggle,nag,use,boost,affix,detect,integrate,cajole,doze,engage}'::text[] AS verbs,
	'{above,across,after,among,against,beside,under,along}'::text[] AS places;

-- A sentence, cut at a width.
CREATE FUNCTION gen.sentence(key bigint, salt int, width int) RETURNS text LANGUAGE sql STABLE PARALLEL SAFE AS
$$
	SELECT rtrim(left(concat_ws(' ', gen.word(key, salt, w.adjectives), gen.word(key, salt + 1, w.nouns), gen.word(key, salt + 2, w.verbs),
		gen.word(key, salt + 3, w.places), 'the', gen.word(key, salt + 4, w.adjectives), gen.word(key, salt + 5, w.nouns)), width))
	FROM gen.words w
$$;

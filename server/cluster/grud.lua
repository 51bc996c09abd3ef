#!lua name=grud_1

-- What grud has the engine do as one: reads and writes of many records under one epoch, each write
-- a compare-and-set on the token that the record begins with. Keys and arguments stand in
-- server/cluster/cluster_library.h. A change of what a function takes or does is a new number, in
-- all names: nodes of two builds work side by side, and none replaces the other's library.

local TOKEN_END = 15 -- the token is the bytes 0..15 of a value

-- nil, or the error that ends the whole call before it has changed anything.
local function epoch_error(key, epoch)
    local held = redis.pcall('GET', key)
    if held == epoch then
        return nil
    end
    if type(held) == 'table' and held.err then
        return held
    end
    return redis.error_reply('GRUDEPOCH the engine is another one, or came back without its data')
end

-- What the record is now: 0 for none.
local function whole(key, token)
    if token == '' then
        return 0
    end
    return redis.pcall('GET', key)
end

-- Of each model there are two lists of ids, sorted sets: the one of the index's key, by id; and
-- this one, by when sessions were last seen, the newest first.
local SEEN = ':seen'

local function unlist(index, id)
    local removed = redis.pcall('ZREM', index, id)
    return type(removed) == 'table' and removed or redis.pcall('ZREM', index .. SEEN, id)
end

-- Deletes the record; its id leaves the lists after it.
local function delete(key, index, id)
    redis.call('DEL', key)
    return unlist(index, id)
end

-- A record whose time ends leaves its id behind. Each new one has two ids looked at, so of all that
-- are listed half at most are of none.
local function sweep(key, index, id)
    local base = string.sub(key, 1, #key - #id)
    local some = redis.pcall('ZRANDMEMBER', index, 2)
    for k = 1, #some do
        if redis.call('EXISTS', base .. some[k]) == 0 then
            unlist(index, some[k])
        end
    end
end

-- A listed id without its record does no harm, so it is listed first. seen: the milliseconds,
-- negative.
local function list(key, index, id, seen, is_new)
    if is_new then
        sweep(key, index, id)
    end
    local added = redis.pcall('ZADD', index .. SEEN, seen, id)
    if added == 1 then
        added = redis.pcall('ZADD', index, 0, id)
        if type(added) == 'table' then
            redis.pcall('ZREM', index .. SEEN, id) -- so that the next write tries again
        end
    end
    return type(added) == 'table' and added or nil
end

-- One record: 1 written; 0 there is none; a text is the one that is there; a table is an error.
local function write_one(key, index, expected, value, ms, id, seen)
    local token = redis.pcall('GETRANGE', key, 0, TOKEN_END)
    if token ~= expected then
        return type(token) == 'table' and token or whole(key, token)
    end
    if value == '' then
        local removed = expected ~= '' and delete(key, index, id)
        return type(removed) == 'table' and removed or 1
    end
    local failed = list(key, index, id, seen, expected == '')
    if failed then
        return failed
    end
    local set
    if ms == '0' then
        set = redis.pcall('SET', key, value)
    else
        set = redis.pcall('SET', key, value, 'PX', ms)
    end
    return set.err and set or 1
end

local function write(keys, arguments)
    local results = {}
    local a = 2
    for k = 2, #keys, 2 do
        results[k / 2] = write_one(keys[k], keys[k + 1], arguments[a], arguments[a + 1],
            arguments[a + 2], arguments[a + 3], arguments[a + 4])
        a = a + 5
    end
    return results
end

local function read_one(key, known)
    local token = redis.pcall('GETRANGE', key, 0, TOKEN_END)
    if type(token) == 'table' then
        return token
    end
    if token == known and known ~= '' then
        return 1
    end
    return whole(key, token)
end

local function read(keys, arguments)
    local results = {}
    for k = 2, #keys do
        results[k - 1] = read_one(keys[k], arguments[k])
    end
    return results
end

local function list_ids(keys, arguments)
    return redis.pcall('ZRANGE', keys[2], arguments[2], arguments[3], 'BYLEX', 'LIMIT', 0, arguments[4])
end

-- By their bytes, as sorted sets have them; Lua's own comparison goes by the language of the engine.
local function is_behind(id, other)
    for k = 1, math.min(#id, #other) do
        local difference = string.byte(id, k) - string.byte(other, k)
        if difference ~= 0 then
            return difference > 0
        end
    end
    return #id > #other
end

-- How many come before (seen, id) or are it. Those of one moment are in the order of their ids.
local function rank_behind(key, seen, id)
    local low = redis.call('ZCOUNT', key, '-inf', '(' .. seen)
    local high = low + redis.call('ZCOUNT', key, seen, seen)
    while low < high do
        local middle = math.floor((low + high) / 2)
        if is_behind(redis.call('ZRANGE', key, middle, middle)[1], id) then
            high = middle
        else
            low = middle + 1
        end
    end
    return low
end

local function list_seen(keys, arguments)
    local key = keys[2] .. SEEN
    local first = arguments[2] == '' and 0 or rank_behind(key, arguments[2], arguments[3])
    return redis.pcall('ZRANGE', key, first, first + arguments[4] - 1, 'WITHSCORES')
end

-- The id leaves the lists if its record is still the one that the caller has read.
local function leave(keys, arguments)
    local token = redis.pcall('GETRANGE', keys[2], 0, TOKEN_END)
    if token ~= arguments[2] then
        return type(token) == 'table' and token or 0
    end
    local removed = unlist(keys[3], arguments[3])
    return type(removed) == 'table' and removed or 1
end

-- Each function begins with a look at the epoch.
local function register(name, run, flags)
    local function run_under_epoch(keys, arguments)
        return epoch_error(keys[1], arguments[1]) or run(keys, arguments)
    end
    redis.register_function{ function_name = name, callback = run_under_epoch, flags = flags }
end

register('grud_1_write', write, {})
register('grud_1_leave', leave, {})
register('grud_1_read', read, { 'no-writes' })
register('grud_1_list_ids', list_ids, { 'no-writes' })
register('grud_1_list_seen', list_seen, { 'no-writes' })

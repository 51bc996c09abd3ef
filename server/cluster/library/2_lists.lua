-- The lists of a model's sessions.

local TOKEN_END = 15 -- the token is the bytes 0..15 of a value

-- Of each model there are two lists of ids, sorted sets: the one of the index's key, by id; and
-- this one, by when sessions were last seen, the newest first.
local SEEN = ':seen'

local function unlist(index, id)
    local removed = redis.pcall('ZREM', index, id)
    return type(removed) == 'table' and removed or redis.pcall('ZREM', index .. SEEN, id)
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

register('leave', leave, {})
register('list_ids', list_ids, { 'no-writes' })
register('list_seen', list_seen, { 'no-writes' })


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

-- Deletes the record; its id leaves the index after it.
local function delete(key, index, id)
    redis.call('DEL', key)
    return redis.pcall('ZREM', index, id)
end

-- An index entry without its record does no harm, so a new record's comes first.
local function create(key, index, id)
    local added = redis.pcall('ZADD', index, 0, id)
    return type(added) == 'table' and added or nil
end

-- One record: 1 written; 0 there is none; a text is the one that is there; a table is an error.
local function write_one(key, index, expected, value, ms, id)
    local token = redis.pcall('GETRANGE', key, 0, TOKEN_END)
    if token ~= expected then
        return type(token) == 'table' and token or whole(key, token)
    end
    if value == '' then
        local removed = expected ~= '' and delete(key, index, id)
        return type(removed) == 'table' and removed or 1
    end
    local failed = expected == '' and create(key, index, id)
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
    local failed = epoch_error(keys[1], arguments[1])
    if failed then
        return failed
    end
    local results = {}
    local a = 2
    for k = 2, #keys, 2 do
        results[k / 2] = write_one(keys[k], keys[k + 1], arguments[a], arguments[a + 1],
            arguments[a + 2], arguments[a + 3])
        a = a + 4
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
    local failed = epoch_error(keys[1], arguments[1])
    if failed then
        return failed
    end
    local results = {}
    for k = 2, #keys do
        results[k - 1] = read_one(keys[k], arguments[k])
    end
    return results
end

redis.register_function('grud_1_write', write)
redis.register_function{ function_name = 'grud_1_read', callback = read, flags = { 'no-writes' } }

-- Sessions: reads and writes of many records, each write a compare-and-set on the token that the
-- record begins with.

-- What the record is now: 0 for none.
local function whole(key, token)
    if token == '' then
        return 0
    end
    return redis.pcall('GET', key)
end

-- Deletes the record and what it has recorded; its id leaves the lists after it.
local function delete(key, index, id)
    redis.call('DEL', key, key .. RECORDED)
    return unlist(index, id)
end

-- One record, whose arguments begin at `a`, and n readings behind them: 1 written; 0 there is none;
-- a text is the one that is there; a table is an error.
local function write_one(key, index, arguments, a, rows, n)
    local expected, value, ms, id, seen = unpack(arguments, a, a + 4)
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
    local length = n > 0 and record(key, arguments, a + 7, n)
    if type(length) == 'table' then
        return length
    end
    local set
    if ms == '0' then
        set = redis.pcall('SET', key, value)
    else
        set = redis.pcall('SET', key, value, 'PX', ms)
    end
    if set.err then
        take_back(key, n)
        return set
    end
    return rows and keep(key, length, rows, ms) or 1
end

-- Of the calls that changed what clients were told of. A node knows by it what an engine that came
-- back has lost.
local WRITES = 'writes'

local function n_writes(epoch_key)
    return tonumber(redis.pcall('GET', beside(epoch_key, WRITES))) or 0
end

local function write(keys, arguments)
    local number = redis.pcall('INCR', beside(keys[1], WRITES))
    if type(number) == 'table' then
        return number
    end
    local results = {}
    local a = 2
    for k = 2, #keys, 2 do
        local rows = tonumber(arguments[a + 5])
        local n = rows and tonumber(arguments[a + 6]) or 0
        results[k / 2] = write_one(keys[k], keys[k + 1], arguments, a, rows, n)
        a = a + (rows and 7 or 6) + n
    end
    results[#results + 1] = number
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
    results[#keys] = n_writes(keys[1])
    return results
end

register('write', write, {})
register('read', read, { 'no-writes' })

-- Changes of models and jobs count, too: before the first thing that such a call changes; and its
-- reply has behind it how many writes there are.
local function count_write(epoch_key)
    redis.call('INCR', beside(epoch_key, WRITES))
end

local function register_counted(name, run)
    register(name, function(keys, arguments)
        local reply = run(keys, arguments)
        return { reply, n_writes(keys[1]) }
    end, {})
end

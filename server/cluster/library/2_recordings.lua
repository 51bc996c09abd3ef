
-- What sessions record: beside a record, under its key with a slash, which no id has, a list of
-- readings, the newest last. What one is, is the nodes' matter. The list lives as long as the record.

local RECORDED = '/r'

local AT_ONCE = 1000 -- readings: Lua hands on a few thousand arguments at most

-- Appends n readings, from arguments[first] on: how many there are then, or an error; then none is.
local function record(key, arguments, first, n)
    local length
    for k = first, first + n - 1, AT_ONCE do
        local last = math.min(k + AT_ONCE, first + n) - 1
        length = redis.pcall('RPUSH', key .. RECORDED, unpack(arguments, k, last))
        if type(length) == 'table' then -- of another type, so that is the first
            return length
        end
    end
    return length
end

-- The last n readings were not made after all.
local function take_back(key, n)
    if n > 0 then
        redis.pcall('RPOP', key .. RECORDED, n)
    end
end

-- Behind a write of the record: no more than `rows`, and the record's time. length: of the list, if
-- that has grown. nil, or an error, which somebody must see before the lists are too long.
local function keep(key, length, rows, ms)
    local kept = length and length > rows and redis.pcall('LTRIM', key .. RECORDED, -rows, -1)
    if type(kept) == 'table' and kept.err then
        return kept
    end
    if ms == '0' then
        kept = redis.pcall('PERSIST', key .. RECORDED)
    else
        kept = redis.pcall('PEXPIRE', key .. RECORDED, ms)
    end
    return type(kept) == 'table' and kept or nil
end

local function recorded(keys, arguments)
    return redis.pcall('LRANGE', keys[2] .. RECORDED, arguments[2], arguments[3])
end

register('recorded', recorded, { 'no-writes' })

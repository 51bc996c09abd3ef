
-- Models and their versions. The catalogue is a hash of a counter, which each change raises, under
-- '', and of each model what the counter was at its last change. A model is a hash: `active`,
-- `newest`, and under its number what is known of a version, of which the first word is the file's
-- digest and the fifth the job that made it; '' of one that was deleted. A file has the model's key
-- and the number.

local CHANGES = ''

local function file_key(model, number)
    return model .. ':' .. number
end

local function is_there(model, number)
    local entry = redis.call('HGET', model, number)
    return entry and entry ~= ''
end

-- Before anything else of a change: a catalogue of another type refuses it.
local function note_change(keys, name)
    local catalogue = keys[2]
    redis.call('HSET', catalogue, name, redis.call('HINCRBY', catalogue, CHANGES, 1))
    count_write(keys[1])
end

local function models_changed(keys, arguments)
    local now = tonumber(redis.call('HGET', keys[2], CHANGES) or 0) or 0
    local since = tonumber(arguments[2])
    local changed = { now }
    if now == since then
        return changed
    end
    local all = redis.call('HGETALL', keys[2])
    for k = 1, #all, 2 do
        local at = tonumber(all[k + 1]) or now
        if all[k] ~= CHANGES and (now < since or at > since) then
            changed[#changed + 1] = all[k]
        end
    end
    return changed
end

local function model_read(keys, arguments)
    return redis.call('HGETALL', keys[2])
end

local function model_file(keys, arguments)
    return redis.call('GETRANGE', keys[2], arguments[2], arguments[2] + arguments[3] - 1)
end

-- A piece of a file that is on its way, which goes if nothing comes any more.
local function model_upload(keys, arguments)
    if redis.call('STRLEN', keys[2]) ~= tonumber(arguments[2]) then
        return 0
    end
    redis.call('APPEND', keys[2], arguments[3])
    redis.call('PEXPIRE', keys[2], arguments[4])
    return 1
end

-- The number of a version that is the same; word: by which word of what is known; '0': none is.
local function find_same(model, word, entry)
    local pattern = string.rep('%S+ ', tonumber(word) - 1) .. '(%S+)'
    local wanted = tonumber(word) > 0 and string.match(entry, pattern)
    local all = wanted and redis.call('HGETALL', model) or {}
    for k = 1, #all, 2 do
        if tonumber(all[k]) and string.match(all[k + 1], pattern) == wanted then
            return tonumber(all[k])
        end
    end
    return nil
end

local function next_number(model)
    local number = (tonumber(redis.call('HGET', model, 'newest') or 0) or 0) + 1
    while redis.call('HEXISTS', model, number) == 1 do
        number = number + 1
    end
    return number
end

local function take_file(upload, model, number)
    redis.call('RENAME', upload, file_key(model, number))
    redis.call('PERSIST', file_key(model, number))
end

local function model_put(keys, arguments)
    local model, upload = keys[3], keys[4]
    local name, wanted, n, same, entry = unpack(arguments, 2)
    local number = find_same(model, same, entry)
    if number or (wanted ~= '0' and redis.call('HEXISTS', model, wanted) == 1) then
        redis.call('DEL', upload)
        return number or tonumber(wanted)
    end
    number = wanted ~= '0' and tonumber(wanted) or next_number(model)
    if redis.call('STRLEN', upload) ~= tonumber(n) then
        return 0
    end
    note_change(keys, name)
    take_file(upload, model, number)
    redis.call('HSET', model, number, entry)
    if number > (tonumber(redis.call('HGET', model, 'newest') or 0) or 0) then
        redis.call('HSET', model, 'newest', number)
    end
    redis.call('HSETNX', model, 'active', number)
    return number
end

local function model_activate(keys, arguments)
    local model = keys[3]
    local name, number, only_from = unpack(arguments, 2)
    if not is_there(model, number) then
        return -1
    end
    local active = redis.call('HGET', model, 'active') or '0'
    if active ~= number and (only_from == '0' or only_from == active) then
        note_change(keys, name)
        redis.call('HSET', model, 'active', number)
    end
    return tonumber(active) or 0
end

local function model_delete(keys, arguments)
    local model = keys[3]
    local name, number = unpack(arguments, 2)
    if redis.call('HGET', model, 'active') == number then
        return -1
    end
    if not is_there(model, number) then
        return 0
    end
    note_change(keys, name)
    redis.call('DEL', file_key(model, number))
    redis.call('HSET', model, number, '')
    return 1
end

register('models_changed', models_changed, { 'no-writes' })
register('model_read', model_read, { 'no-writes' })
register('model_file', model_file, { 'no-writes' })
register('model_upload', model_upload, {})
register_counted('model_put', model_put)
register_counted('model_activate', model_activate)
register_counted('model_delete', model_delete)


-- Meetings: what a new connection of a node finds, and whether it is less than the node knows of.
--
-- An epoch is "BASE.LOSS": BASE is drawn for an engine that is empty. LOSS is 0, and then the second
-- of the last loss, which no other has, though the engine may have forgotten one: calls that go by
-- what was before are refused. Until a loss is settled, the key `lost` is there, and says how many
-- writes are left.

local RUNS_KEPT = 32
local HEAL_MS = 5000 -- since the last record that was given back

local function parts_of(epoch)
    local base, losses = string.match(epoch, '^(.*)%.(%d+)$')
    return base or epoch, tonumber(losses or 0)
end

-- The runs of the engine, the newest first: their names, and how many writes there were when each
-- began. The present one is among them, though it may not have been noted yet.
local function runs_of(key, present, count)
    local lines = redis.call('LRANGE', beside(key, 'runs'), 0, -1)
    local runs = {}
    for k = 1, #lines do
        local began, name = string.match(lines[k], '^(%d+) (.*)$')
        runs[k] = { name = name, began = tonumber(began) }
    end
    local is_noted = #runs > 0 and runs[1].name == present
    if not is_noted then
        table.insert(runs, 1, { name = present, began = count })
    end
    return runs, is_noted
end

-- How many writes are sure to be those that a node knows, which has met the run `known`. If that is
-- not in the list, it may have ended before anything of it was saved: then the present one decides.
local function left_since(runs, known, count)
    local left = count
    for k = 1, #runs do
        if runs[k].name == known then
            return left
        end
        left = math.min(left, runs[k].began)
    end
    return math.min(count, runs[1].began)
end

-- nil, or how many writes are left where some are lost that the node was told of.
local function find_loss(known, held)
    local _, known_losses = parts_of(known.epoch)
    local _, losses = parts_of(held.epoch)
    if known.epoch == '' or losses > known_losses then
        return nil -- it knows nothing, or what it knows is settled
    end
    local left = 0
    if held.epoch ~= '' and losses == known_losses then
        left = left_since(held.runs, known.run, held.count)
    end
    return left < known.count and left or nil
end

-- A node that knows of no write has nothing to lose at another engine.
local function is_another(known, held)
    return known.epoch ~= '' and held.epoch ~= '' and known.count > 0 and
        parts_of(known.epoch) ~= parts_of(held.epoch)
end

local function find(key, known, run)
    local count = tonumber(redis.call('GET', beside(key, WRITES)) or 0)
    local held = { epoch = redis.call('GET', key) or '', count = count }
    held.runs, held.is_noted = runs_of(key, run, count)
    local marked = redis.call('GET', beside(key, 'lost'))
    held.is_marked = marked ~= false
    held.left = tonumber(marked or find_loss(known, held))
    return held
end

local function note_run(key, run, count)
    redis.call('LPUSH', beside(key, 'runs'), string.format('%.0f %s', count, run))
    redis.call('LTRIM', beside(key, 'runs'), 0, RUNS_KEPT - 1)
end

-- From now on all nodes are refused: until somebody removes the mark, or for as long as it is healed.
local function mark(key, known, held, heals)
    local base, known_losses = parts_of(known.epoch)
    local _, losses = parts_of(held.epoch)
    local second = tonumber(redis.call('TIME')[1])
    held.epoch = string.format('%s.%.0f', base, math.max(known_losses + 1, losses + 1, second))
    redis.call('SET', beside(key, 'lost'), held.left)
    if heals == 'yes' then
        redis.call('PEXPIRE', beside(key, 'lost'), HEAL_MS)
    end
    redis.call('SET', key, held.epoch)
end

-- What is to be written down of a meeting.
local function settle(key, known, held, arguments)
    if held.left and not held.is_marked then
        mark(key, known, held, arguments[6])
    elseif not held.left and held.epoch == '' then
        held.epoch = known.epoch ~= '' and known.epoch or arguments[5] .. '.0'
        redis.call('SET', key, held.epoch)
    end
    if not held.left and not held.is_noted then
        note_run(key, arguments[4], held.count)
    end
end

local function is_settled(held)
    if held.left then
        return held.is_marked
    end
    return held.epoch ~= '' and held.is_noted
end

local function meet(keys, arguments, may_write)
    local known = { epoch = arguments[1], run = arguments[2], count = tonumber(arguments[3]) }
    local held = find(keys[1], known, arguments[4])
    if is_another(known, held) then
        return redis.error_reply('GRUDOTHER its epoch is ' .. held.epoch .. ', not ' .. known.epoch)
    end
    if may_write then
        settle(keys[1], known, held, arguments)
    elseif not is_settled(held) then
        return 0
    end
    local heals = held.left and redis.call('PTTL', beside(keys[1], 'lost')) > 0
    return { held.epoch, held.count, held.left or -1, heals and 1 or 0 }
end

-- Healing. The order of a write is in its token, behind its name, and is the time of its making or
-- more: so what is newer is known even after writes were lost.
local function order_of(token)
    return string.sub(token, 9, 16)
end

-- 1: given back; 0: the engine has it; 2: it has a newer one; or an error.
local function heal_one(key, index, token, value, ms, id, seen)
    local held = redis.pcall('GETRANGE', key, 0, TOKEN_END)
    if type(held) == 'table' then
        return held
    end
    if held == token then
        return 0
    end
    if held ~= '' and not is_behind(order_of(token), order_of(held)) then
        return 2
    end
    local failed = list(key, index, id, seen, held == '')
    if failed then
        return failed
    end
    local set = redis.pcall('SET', key, value)
    if set.err then
        return set
    end
    if ms ~= '0' then
        redis.call('PEXPIRE', key, ms)
    end
    return 1
end

local function heal(keys, arguments)
    local lost = beside(keys[1], 'lost')
    if redis.call('GET', keys[1]) ~= arguments[1] or redis.call('PTTL', lost) <= 0 then
        return 0
    end
    if #keys == 1 then
        return { tonumber(redis.call('GET', beside(keys[1], WRITES)) or 0) }
    end
    local number = redis.call('INCR', beside(keys[1], WRITES))
    local results = {}
    for k = 2, #keys, 2 do
        local token, value, ms, id, seen = unpack(arguments, (k / 2 - 1) * 5 + 2, (k / 2) * 5 + 1)
        results[k / 2] = heal_one(keys[k], keys[k + 1], token, value, ms, id, seen)
    end
    redis.call('PEXPIRE', lost, HEAL_MS)
    results[#results + 1] = number
    return results
end

register_bare('heal', heal, {})
register_bare('look', function(keys, arguments) return meet(keys, arguments, false) end, { 'no-writes' })
register_bare('meet', function(keys, arguments) return meet(keys, arguments, true) end, { 'allow-oom' })

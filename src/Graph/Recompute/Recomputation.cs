namespace Singa.Actors.Graph.Recompute;

/// <summary>
/// Takes memory off the place where most is held: what lies there is let go, and who reads it later reads what it was made of (where that is at
/// hand and can be computed on the way) or the value made again, just before. The same ops on the same values give the same bits, so how far
/// this goes is free. A value is made again together with what that needs and is not held any more, as long as it costs no more than so much a
/// byte and no other place gets as high; cheap ones first. In the end what was let go without need is kept after all.
/// Source of the idea: rematerialisation in register allocation, Briggs, Cooper, Torczon (1992).
/// </summary>
internal sealed class Recomputation
{
    // Longer chains than this are not looked at.
    private const int ChainMost = 256;

    // Smaller values than this fraction of the most that is held are not worth a kernel.
    private const int FractionLeast = 1000;

    private const int LevelRoundsMost = 4;

    private readonly Course course;
    private readonly Dictionary<int, List<Step>> pending = [];
    private readonly Dictionary<Storage, List<Storage>> versions;
    private readonly List<Action> undo = [];
    private List<Step> added = [];
    private Dictionary<Value, Value> made = [];
    private int place;
    private long below;
    private double purse;

    private Recomputation(Course course, double purse = 0)
    {
        (this.course, this.purse) = (course, purse);
        versions = course.Storages.GroupBy(s => s.Original).ToDictionary(g => g.Key, g => g.ToList());
    }

    /// <summary>Goes on until no place holds more than <paramref name="target"/> bytes, or nothing helps any more.</summary>
    /// <param name="purse">Effort (<see cref="Effort.Weight"/>) that may be spent in all.</param>
    /// <param name="prices">Effort that may be spent on a byte, ascending.</param>
    public static void Run(Course course, long target, double purse, params ReadOnlySpan<double> prices)
    {
        double most = course.Effort.Weight + purse;
        foreach (double price in prices)
        {
            // Where several places are equally high it takes more than one round to get below.
            for (int level = 0; level < LevelRoundsMost && course.Peak > target;)
            {
                long before = course.Peak;
                if (!new Recomputation(course, most - course.Effort.Weight).Release(target, price))
                    break;
                level = course.Peak < before ? 0 : level + 1;
            }
        }

        while (new Recomputation(course).Keep(Math.Max(target, course.Peak)))
            continue;
    }

    private bool Release(long target, double price)
    {
        var candidates = course.Storages.Where(s => IsRepeatable(s.Maker) && s.Maker.Effort.Weight <= price * s.Bytes && s.Bytes * FractionLeast >= course.Peak)
            .OrderBy(s => s.Maker.Effort.Weight / s.Bytes).ThenByDescending(s => s.Bytes).ThenBy(s => s.First).ToArray();
        bool any = false;
        while (true)
        {
            long most = course.Peak;
            if (most <= target || !Peaks(most).Any(peak => candidates.Any(c => c.First < peak && c.Last >= peak && LetGo(c, peak, price))))
                break;
            any = true;
        }

        course.Insert(pending);
        return any;
    }

    private IEnumerable<int> Peaks(long height)
    {
        for (int i = 0; i < course.During.Length; i++)
        {
            if (course.During[i] == height)
                yield return i;
        }
    }

    private bool LetGo(Storage storage, int at, double price)
    {
        if (storage.IsPending || storage.IsOutput || storage.Readers.Any(r => r.Position < 0))
            return false;
        int later = storage.Readers.FindIndex(r => r.Position >= at);
        var readers = storage.Readers[later..];
        bool sinks = later == 0;
        int last = sinks ? storage.First - 1 : storage.Readers[later - 1].Position;

        // Those who can compute it on the way, but for those between others for whom it is made again anyway.
        var through = storage.Maker.Effort.Flops > price * storage.Bytes ? [] : readers.Where(r => Through(r, storage) is not null).ToHashSet();
        var rest = readers.FindAll(r => !through.Contains(r));
        if (rest.Count > 0)
        {
            through.RemoveWhere(r => r.Position > rest[0].Position && r.Position < rest[^1].Position);
            rest = readers.FindAll(r => !through.Contains(r));
            if (rest[0].Position == at)
                return false;
        }

        int end = rest.Count > 0 ? rest[0].Position : storage.Last + 1;
        bool Try(int before)
        {
            Begin(before, course.During[at]);
            Change(last + 1, before - 1, Math.Max(last, storage.First) + 1, Math.Min(before, storage.Last), -storage.Bytes);
            if (through.FirstOrDefault(r => r.Position < before && Course.Overwritten(r, s => s.Last == r.Position) == storage) is { } reusing)
                Change(reusing.Position, reusing.Position, 0, -1, storage.Bytes);
            SetLast(storage, last);
            return (course.During[at] < below && (rest.Count == 0 || MakeAgain(storage, rest, price, sinks))) || Undo();
        }

        if (!Places(end, rest.Count > 0 ? at : end).Any(Try))
            return false;
        storage.Readers.RemoveRange(later, readers.Count);
        foreach (var reader in through.OrderBy(r => r.Position))
            Pass(reader, storage);
        return true;
    }

    /// <summary>
    /// Where a value can be made again for a step: just before it or, where other values are made again for it as well and already held there,
    /// before those.
    /// </summary>
    private IEnumerable<int> Places(int step, int after)
    {
        yield return step;
        long least = step < course.Before.Length ? course.Before[step] : 0;
        for (int i = step - 1; i > after && (course.Steps[i].IsAgain || course.Steps[i].IsView || course.Steps[i].Node.Op is Ops.Placeholder); i--)
        {
            if (course.Before[i] >= least)
                continue;
            least = course.Before[i];
            yield return i;
        }
    }

    /// <summary>Makes a value again for some readers.</summary>
    private bool MakeAgain(Storage storage, List<Step> readers, double price, bool sinks)
    {
        if (Again(storage.Maker) is not { } again || Height(again.Outputs[0].Storage) >= below)
            return false;
        double weight = added.Sum(s => s.Effort.Weight) - (sinks ? storage.Maker.Effort.Weight : 0);
        if (weight > price * storage.Bytes || weight > purse)
            return false;
        purse -= weight;
        var version = again.Outputs[0].Storage;
        (version.First, version.Last, version.IsPending) = (place, readers[^1].Position, true);
        course.Before[place] += version.Bytes;
        versions[version.Original].Add(version);
        Redirect(readers, storage, version);
        return true;
    }

    /// <summary>Lets steps read another version of a memory, and puts what was added before the first of them.</summary>
    private void Redirect(IEnumerable<Step> readers, Storage from, Storage to)
    {
        foreach (var reader in readers)
        {
            for (int i = 0; i < reader.Inputs.Length; i++)
            {
                if (reader.Inputs[i].Storage == from)
                    reader.Inputs[i] = Of(reader.Inputs[i], to);
            }

            AddReader(to, reader);
        }

        Commit();
    }

    /// <summary>How a step can do without a memory that it reads; null: it cannot.</summary>
    private ReadThrough? Through(Step reader, Storage storage)
    {
        Begin(reader.Position, below);
        int input = Array.FindIndex(reader.Inputs, i => i.Storage == storage);
        return reader.Inputs.Any(i => i.Storage == storage && i != reader.Inputs[input]) ? null : ReadThrough.Of(reader, input, Held);
    }

    private void Pass(Step reader, Storage storage)
    {
        // Looked for again: those before may have changed what is there to read.
        var way = Through(reader, storage)!;
        added.AddRange(way.Views);
        reader.Become(way.Node, way.Inputs);
        foreach (var input in way.Inputs)
            AddReader(input.Storage, reader);
        Commit();
    }

    private static void AddReader(Storage storage, Step reader)
    {
        int index = storage.Readers.FindIndex(r => r.Position < 0 || r.Position >= reader.Position);
        if (index < 0)
            storage.Readers.Add(reader);
        else if (storage.Readers[index] != reader)
            storage.Readers.Insert(index, reader);
    }

    private void Begin(int before, long under)
    {
        (place, below) = (before, under);
        (added, made) = ([], []);
        undo.Clear();
    }

    private void Commit()
    {
        if (!pending.TryGetValue(place, out var steps))
            pending[place] = steps = [];
        steps.AddRange(added);
        foreach (var step in added)
        {
            step.Position = -1;
            if (!step.IsView)
                Array.ForEach(step.Inputs, i => i.Storage.Readers.Add(step));
        }
    }

    private bool Undo()
    {
        for (int i = undo.Count - 1; i >= 0; i--)
            undo[i]();
        return false;
    }

    /// <summary>So many bytes more are held during some steps and before some.</summary>
    private void Change(int firstDuring, int lastDuring, int firstBefore, int lastBefore, long bytes)
    {
        Add(bytes);
        undo.Add(() => Add(-bytes));

        void Add(long more)
        {
            Course.Add(course.During, firstDuring, lastDuring, more);
            Course.Add(course.Before, firstBefore, lastBefore, more);
        }
    }

    private void SetLast(Storage storage, int last)
    {
        int old = storage.Last;
        storage.Last = last;
        undo.Add(() => storage.Last = old);
    }

    /// <summary>The step once more, on values that can be had at the place. Null: they cannot.</summary>
    private Step? Again(Step step)
    {
        if (added.Count >= ChainMost)
            return null;
        var inputs = new Value[step.Inputs.Length];
        for (int i = 0; i < inputs.Length; i++)
        {
            if (Available(step.Inputs[i]) is not { } input)
                return null;
            inputs[i] = input;
        }

        var again = step.Again(inputs);
        added.Add(again);
        made[again.Outputs[0].Original] = again.Outputs[0];
        return again;
    }

    /// <summary>A value that an added step can read: held, kept longer, or computed again as well. Null: there is no way.</summary>
    private Value? Available(Value value)
    {
        if (Held(value) is { } held)
            return held;
        var original = value.Storage.Original;
        if (made.TryGetValue(original.Value, out var fresh))
            return Of(value, fresh.Storage);
        var nearest = versions[original].Where(v => v.First < place && v.Last >= v.First && v.Last < place).MaxBy(v => v.Last);
        if (nearest is not null && Fits(nearest.Last + 1, place, nearest.Bytes))
        {
            Change(nearest.Last + 1, place, nearest.Last + 1, place, nearest.Bytes);
            SetLast(nearest, place);
            return Of(value, nearest);
        }

        return IsRepeatable(original.Maker) && Again(original.Maker) is { } again ? Of(value, again.Outputs[0].Storage) : null;
    }

    /// <summary>A value as it is held at the place, in this version or another.</summary>
    private Value? Held(Value value)
    {
        if (value.Storage.Lasts)
            return value;
        var version = versions[value.Storage.Original].Find(v => (v.First < place || (v.First == place && v.IsPending)) && v.Last >= place);
        return version is null ? null : Of(value, version);
    }

    private bool Fits(int first, int last, long bytes)
    {
        for (int i = first; i <= last; i++)
        {
            if (course.During[i] + bytes >= below)
                return false;
        }

        return true;
    }

    /// <summary>The same view of another version of the memory.</summary>
    private Value Of(Value value, Storage version)
    {
        if (value.Storage == version)
            return value;
        if (!value.Maker.IsView)
            return version.Value;
        if (made.TryGetValue(value.Original, out var known) && known.Storage == version)
            return known;
        var view = value.Maker.Again([Of(value.Maker.Inputs[0], version)]);
        added.Add(view);
        for (int i = 0; i < view.Outputs.Length; i++)
            made[view.Outputs[i].Original] = view.Outputs[i];
        return view.Outputs[value.Index];
    }

    /// <summary>The most that is held while the added steps run; what the last one makes stays.</summary>
    private long Height(Storage result)
    {
        var last = new Dictionary<Storage, int>();
        for (int i = 0; i < added.Count; i++)
        {
            foreach (var input in added[i].Inputs)
                last[input.Storage] = i;
        }

        var fresh = new HashSet<Storage>();
        long held = course.Before[place], most = held;
        for (int i = 0; i < added.Count; i++)
        {
            if (added[i].IsView)
                continue;
            fresh.Add(added[i].Outputs[0].Storage);
            held += added[i].Outputs[0].Storage.Bytes;
            var overwritten = Course.Overwritten(added[i], s => fresh.Contains(s) && s != result && last[s] == i);
            most = Math.Max(most, held - (overwritten?.Bytes ?? 0));
            held -= added[i].Inputs.Select(input => input.Storage).Distinct().Where(s => fresh.Contains(s) && s != result && last[s] == i).Sum(s => s.Bytes);
        }

        return most;
    }

    /// <summary>Takes back what was let go where there is room for it after all, the dearest first.</summary>
    private bool Keep(long limit)
    {
        bool any = false;
        var pairs = versions.Values.SelectMany(v => v.Zip(v.Skip(1))).OrderByDescending(p => p.Second.Maker.Effort.Weight / p.Second.Bytes).ThenBy(p => p.Second.First);
        foreach (var (kept, again) in pairs)
        {
            if (kept.Last < kept.First || again.Readers.Any(r => r.Position < 0))
                continue;
            Begin(again.First, limit + 1);
            if (!Fits(kept.Last + 1, again.First - 1, kept.Bytes))
                continue;
            Change(kept.Last + 1, again.First - 1, kept.Last + 1, again.First, kept.Bytes);
            Redirect(again.Readers, again, kept);
            (kept.Last, again.Last) = (Math.Max(kept.Last, again.Last), again.First - 1);
            again.Readers.Clear();
            any = true;
        }

        course.Insert(pending);
        return any;
    }

    // Parts are computed where they lie in the whole: to keep them for joining them again is to keep it, and costs a copy.
    private static bool IsRepeatable(Step step) => step.Outputs.Length == 1 && step.Node.Op is not (Ops.Placeholder or Ops.Constant or Ops.Concat);
}

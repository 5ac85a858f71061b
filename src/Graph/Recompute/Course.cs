using System.Collections.Immutable;
using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Recompute;

/// <summary>The steps of a section in order, and how much memory is held at each.</summary>
internal sealed class Course
{
    private readonly Value[] outputs;
    private long first;

    private Course(List<Step> steps, Value[] outputs) => (Steps, this.outputs) = (steps, outputs);

    public List<Step> Steps { get; private set; }

    /// <summary>All memory but what lasts, in the order in which it is filled.</summary>
    public List<Storage> Storages { get; } = [];

    /// <summary>Bytes held while each step runs.</summary>
    public long[] During { get; private set; } = [];

    /// <summary>Bytes held just before each step.</summary>
    public long[] Before { get; private set; } = [];

    public long Peak => During.Length == 0 ? 0 : During.Max();

    /// <summary>What is computed more than once; null: nothing.</summary>
    public Plans.Recomputed? Recomputed
    {
        get
        {
            var again = Steps.Where(s => s is { IsAgain: true, IsView: false }).ToArray();
            var (all, more) = (Effort, Sum(again));
            return again.Length == 0 ? null : new(again.Length, more.Flops, all.Flops - more.Flops, more.Bytes, all.Bytes - more.Bytes, first, Peak,
                [.. again.GroupBy(s => Lowering.Lowerer.Label(s.Node)).Select(g => (g.Key, g.Count()))]);
        }
    }

    public Effort Effort => Sum(Steps);

    private static Effort Sum(IEnumerable<Step> steps) => steps.Aggregate(default(Effort), (sum, step) => sum + step.Effort);

    /// <param name="order">Nodes in an order that is correct one after the other.</param>
    /// <param name="outputs">They are written where they belong outside the section's own memory.</param>
    public static Course Of(ImmutableArray<Node> order, IReadOnlyList<Tensor> outputs)
    {
        var values = new Dictionary<Tensor, Value>();
        var steps = new List<Step>(order.Length);
        foreach (var node in order)
        {
            var step = Step.First(node, [.. node.Inputs.Select(i => values[i])]);
            for (int i = 0; i < step.Outputs.Length; i++)
                values[node.Outputs[i]] = step.Outputs[i];
            if (node.Op is Placeholder or Constant)
                step.Outputs[0].Storage.Lasts = true;
            steps.Add(step);
        }

        foreach (var output in outputs)
        {
            values[output].Storage.Lasts |= !values[output].Maker.IsView;
            values[output].Storage.IsOutput = true;
        }

        var course = new Course(steps, [.. outputs.Select(o => values[o])]);
        course.Index();
        course.first = course.Peak;
        return course;
    }

    /// <summary>Puts in the steps that are to come before the one at a position, and drops those nobody needs any more.</summary>
    public void Insert(IReadOnlyDictionary<int, List<Step>> before)
    {
        var all = new List<Step>(Steps.Count);
        for (int i = 0; i < Steps.Count; i++)
        {
            if (before.TryGetValue(i, out var added))
                all.AddRange(added);
            all.Add(Steps[i]);
        }

        var needed = new HashSet<Step>(outputs.Select(o => o.Maker));
        for (int i = all.Count - 1; i >= 0; i--)
        {
            if (needed.Contains(all[i]))
                needed.UnionWith(all[i].Inputs.Select(input => input.Maker));
        }

        Steps = [.. all.Where(needed.Contains)];
        Index();
    }

    /// <summary>Lifetimes and what they add up to.</summary>
    private void Index()
    {
        Storages.Clear();
        for (int i = 0; i < Steps.Count; i++)
        {
            var step = Steps[i];
            step.Position = i;
            if (step.IsView)
                continue;
            foreach (var read in step.Inputs.Select(input => input.Storage).Distinct())
            {
                read.Last = i;
                read.Readers.Add(step);
            }

            foreach (var output in step.Outputs)
            {
                var made = output.Storage;
                (made.First, made.Last, made.IsPending) = (i, i, false);
                made.Readers.Clear();
                if (!made.Lasts)
                    Storages.Add(made);
            }
        }

        // An output that is another's memory read in another way is copied at the end.
        foreach (var output in outputs)
            output.Storage.Last = Steps.Count - 1;
        (During, Before) = (new long[Steps.Count], new long[Steps.Count]);
        foreach (var storage in Storages)
        {
            During[storage.First] += storage.Bytes;
            if (storage.Last + 1 < Steps.Count)
                During[storage.Last + 1] -= storage.Bytes;
        }

        for (int i = 1; i < Steps.Count; i++)
            During[i] += During[i - 1];
        for (int i = 0; i < Steps.Count; i++)
        {
            Before[i] = During[i] - Steps[i].Outputs.Sum(o => o.Maker.IsView || o.Storage.Lasts ? 0 : o.Storage.Bytes);
            During[i] -= Overwritten(Steps[i])?.Bytes ?? 0;
        }
    }

    /// <summary>The memory of an input, read here for the last time, that a pointwise result takes over.</summary>
    private static Storage? Overwritten(Step step) => step.Outputs[0].Storage.Lasts ? null : Overwritten(step, s => s.Last == step.Position);

    public static Storage? Overwritten(Step step, Func<Storage, bool> isLastRead)
    {
        if (step.Node.Op is not Pointwise)
            return null;
        var result = step.Outputs[0].Storage;
        return step.Inputs.FirstOrDefault(i => !i.Storage.Lasts && i.Storage.Bytes == result.Bytes && i.Tensor.Shape.Count == step.Outputs[0].Tensor.Shape.Count
            && isLastRead(i.Storage) && step.Inputs.Count(o => o.Storage == i.Storage) == 1)?.Storage;
    }

    public static void Add(long[] sums, int first, int last, long bytes)
    {
        for (int i = Math.Max(0, first); i <= last && i < sums.Length; i++)
            sums[i] += bytes;
    }

    /// <summary>The nodes in order, and the outputs among them.</summary>
    public (ImmutableArray<Node> Order, ImmutableArray<Tensor> Outputs) Nodes()
    {
        var built = new Dictionary<Value, Tensor>();
        var order = ImmutableArray.CreateBuilder<Node>(Steps.Count);
        foreach (var step in Steps)
        {
            ImmutableArray<Tensor> inputs = [.. step.Inputs.Select(i => built[i])];
            var node = !step.IsAgain && inputs.SequenceEqual(step.Node.Inputs) ? step.Node : new Node(step.Node.Op, inputs, step.Node.Scope);
            for (int i = 0; i < step.Outputs.Length; i++)
                built[step.Outputs[i]] = node.Outputs[i];
            order.Add(node);
        }

        return (order.ToImmutable(), [.. outputs.Select(o => built[o])]);
    }
}

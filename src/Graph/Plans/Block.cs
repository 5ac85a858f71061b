namespace Singa.Actors.Graph.Plans;

/// <summary>What a block is for, which decides how long it lives.</summary>
public enum BlockKind
{
    /// <summary>Lives from its first write to its last read within one section; shares the arena with others of its kind.</summary>
    Transient,

    /// <summary>Uploaded once when the plan is loaded.</summary>
    Constant,

    /// <summary>A parameter, optimizer state or statistic: outlives every section.</summary>
    Variable,

    /// <summary>Filled from the host before each step: a batch or the step's scalars.</summary>
    Input,

    /// <summary>Gradients (or metrics) that travel together. Rows: one per subtree of the worker's shards; after the exchange row 0 is the total.</summary>
    Bucket,

    /// <summary>Read by the host after the section.</summary>
    Output,
}

/// <summary>A piece of device memory. <c>Offset</c> is in bytes from the start of the arena; blocks start at multiples of 64.</summary>
public sealed record Block(int Id, string Name, BlockKind Kind, long Bytes, long Offset);

using Singa.Actors.Graph;
using Singa.Actors.Runtime.Data.Tables;
using Singa.Actors.Runtime.Data.Text;

namespace Singa.Actors.Runtime.Data;

/// <summary>
/// What a job trains on and what it is tested on. <c>Normalisation</c> is what was done to raw values, kept with the trained model
/// so that whoever uses it can do the same; null where values are taken as they are.
/// </summary>
public sealed record Dataset(ISampleSource Train, ISampleSource? Test, Normalisation? Normalisation)
{
    /// <inheritdoc cref="DataDescription.Vocabulary"/>
    public Vocabulary? Vocabulary { get; init; }

    /// <inheritdoc cref="DataDescription.ClassNames"/>
    public Seq<string> ClassNames { get; init; }

    /// <inheritdoc cref="DataDescription.Columns"/>
    public Seq<TableColumn> Columns { get; init; }

    public DataDescription Description => new(Train.Sample, Train.Label, Train.Classes, Train.Count, Test?.Count ?? 0)
    {
        Vocabulary = Vocabulary,
        ClassNames = ClassNames,
        Columns = Columns,
    };
}

/// <summary>What can be known of data without reading all of it: enough to build and plan a model.</summary>
public sealed record DataDescription(TensorType Sample, TensorType Label, int Classes, long TrainCount, long TestCount)
{
    /// <summary>What the numbers of a text stand for, and the classes with them; null where samples are no text.</summary>
    public Vocabulary? Vocabulary { get; init; }

    /// <summary>What each class is called; empty where classes have no names.</summary>
    public Seq<string> ClassNames { get; init; }

    /// <summary>The columns that samples are made of; empty where they are no rows of a table.</summary>
    public Seq<TableColumn> Columns { get; init; }

    /// <summary>How many values a model answers with (at each position, where a sample has several): a logit a class, or what there is to predict.</summary>
    public int Outputs => Classes > 0 ? Classes : checked((int)Label.Shape.Count);
}

namespace Singa.Actors.Runtime.Regrouping;

/// <summary>
/// One attempt to begin a generation, which has the ballot's number. Of two attempts with the same number the candidate decides, so that
/// all ballots have one order.
/// </summary>
/// <param name="Candidate">Who asks, in one life of its process: <see cref="Of"/> writes it.</param>
public readonly record struct Ballot(long Number, string Candidate) : IComparable<Ballot>
{
    /// <summary>Lower than all that are ever asked for.</summary>
    public static readonly Ballot None = new(0, "");

    public static Ballot Of(long number, NodeKey candidate) => new(number, FormattableString.Invariant($"{candidate.Name}#{candidate.Incarnation}"));

    public int CompareTo(Ballot other) =>
        Number != other.Number ? Number.CompareTo(other.Number) : string.CompareOrdinal(Candidate, other.Candidate);

    public static bool operator <(Ballot left, Ballot right) => left.CompareTo(right) < 0;

    public static bool operator >(Ballot left, Ballot right) => left.CompareTo(right) > 0;

    public static bool operator <=(Ballot left, Ballot right) => left.CompareTo(right) <= 0;

    public static bool operator >=(Ballot left, Ballot right) => left.CompareTo(right) >= 0;

    public override string ToString() => $"ballot {Number} of {Candidate}";
}

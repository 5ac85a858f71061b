namespace Singa.Actors.Runtime.Regrouping;

/// <summary>The right to begin a generation, of which a node promises one after the other, each higher than those before. The generation has its number.</summary>
/// <param name="Candidate">Whose it is; decides between equal numbers.</param>
public sealed record Ballot(long Number, string Candidate) : IComparable<Ballot>
{
    public int CompareTo(Ballot? other) => other is null ? 1
        : Number != other.Number ? Number.CompareTo(other.Number)
        : string.CompareOrdinal(Candidate, other.Candidate);

    public override string ToString() => $"ballot {Number} of {Candidate}";
}
